"""The manual pages of checks as markdown (GitHub's): `docs/checks.md` is this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.finding import Severity

_INTRODUCTION = """\
# The checks

What `byoi-tools check` looks for, family by family. The severity is the check's own, which a profile may change; see
`profiles/`. This page is the output of `byoi-tools explain --format markdown`; `make docs` writes it. What is not
built, and why, is in [checks-left-out.md](checks-left-out.md).

A waiver (`byoi.toml`) adds two outcomes of its own, both warnings: `waiver.expired`, and `waiver.unused` where the
check passed.
"""
_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown of one check; `applies_to` is empty where it is for every boot mode and product."""

    check_id: str
    title: str
    severity: Severity
    applies_to: str
    manual: str
    remedy: str


def render_markdown(pages: Iterable[Page]) -> str:
    """Return one document: a list of the families with their checks, then every page."""
    families = [(family, list(group)) for family, group in groupby(pages, lambda page: page.check_id.partition(".")[0])]
    blocks = [_INTRODUCTION.rstrip(), "\n".join(_entry(family, listed) for family, listed in families)]
    for family, listed in families:
        blocks.append(f"## {escape_markdown(family)}")
        blocks += [_page(page) for page in listed]
    return "\n\n".join(blocks) + "\n"


def escape_markdown(text: str) -> str:
    """Return the text with what markdown or HTML would act on escaped; spans of code stay as they are."""
    pieces = _CODE.split(text)
    return "".join(piece if piece.startswith("`") and len(piece) > 1 else _escape(piece) for piece in pieces)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _entry(family: str, listed: list[Page]) -> str:
    links = ", ".join(f"[{page.check_id.partition('.')[2]}](#{_anchor(page.check_id)})" for page in listed)
    return f"- **{escape_markdown(family)}**: {links}"


def _anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading: lower case, without dots."""
    return heading.lower().replace(".", "")


def _page(page: Page) -> str:
    scope = f"; {page.applies_to}" if page.applies_to else ""
    paragraphs = [" ".join(paragraph.split()) for paragraph in page.manual.split("\n\n")]
    blocks = [
        f"### {escape_markdown(page.check_id)}",
        f"*{escape_markdown(page.title)}* ({page.severity.word}{scope})",
        *(_emphasise(escape_markdown(paragraph)) for paragraph in paragraphs),
        f"**In short:** {escape_markdown(page.remedy)}",
    ]
    return "\n\n".join(blocks)


def _emphasise(paragraph: str) -> str:
    return re.sub(r"^(Why|How|Fix|Source):", r"**\1:**", paragraph)
