"""Shows an error as its three lines: what failed, what was seen, what to do."""

from __future__ import annotations

import sys

from byoi_tools.cli.terminal import terminal_of, write_note
from byoi_tools.errors import ByoiError
from byoi_tools.model.secret import redact
from byoi_tools.reports.terminal import Terminal


def show_error(error: ByoiError) -> int:
    """Print what failed, what was seen and what to do, each on its own line."""
    terminal = terminal_of(sys.stderr)
    lines = terminal.wrap(redact(error.message), "byoi-tools: ", "  ")
    lines[0] = lines[0].replace("byoi-tools:", terminal.paint("byoi-tools:", "error"), 1)
    lines += _wrap(terminal, error.details or "", "  seen: ")
    lines += _wrap(terminal, error.remedy, "  do:   ")
    write_note("\n".join(lines))
    return error.exit_code


def _wrap(terminal: Terminal, text: str, label: str) -> list[str]:
    """A text of several lines, as where several reasons speak against something, stays one."""
    labels = [label, *[" " * len(label)] * text.count("\n")]
    return [
        wrapped
        for start, line in zip(labels, redact(text).split("\n"), strict=False)
        if line
        for wrapped in terminal.wrap(line, start, "    ")
    ]
