"""The manual pages of checks, for a terminal."""

from __future__ import annotations

from itertools import groupby

from byoi_tools.model.finding import Severity
from byoi_tools.reports.terminal import Terminal


def render_page(check_id: str, title: str, severity: Severity, manual: str, remedy: str, terminal: Terminal) -> str:
    """Return the page of one check."""
    lines = [
        terminal.paint(check_id, "title"),
        *terminal.wrap(f"{title} ({severity.word} unless a profile says otherwise)", "  "),
    ]
    for paragraph in manual.split("\n\n"):
        lines += ["", *terminal.wrap(" ".join(paragraph.split()), "  ")]
    lines += ["", *terminal.wrap(f"In short: {remedy}", "  ")]
    return "\n".join(lines) + "\n"


def render_catalogue(listed: list[tuple[str, Severity, str]], terminal: Terminal) -> str:
    """Return the checks by family: id, severity, and what holds when it passes."""
    lines: list[str] = []
    for family, checks in groupby(listed, lambda check: check[0].partition(".")[0]):
        lines.append(terminal.paint(family, "title"))
        for check_id, severity, title in checks:
            lines += terminal.wrap(f"{check_id} ({severity.word}): {title}", "  ", "      ")
    return "\n".join(lines) + "\n"
