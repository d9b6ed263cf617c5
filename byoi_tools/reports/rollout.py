"""How a fleet stands: one row for each server, and how many stand how."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from byoi_tools.model.deployment.fleet import Ending, Standing
from byoi_tools.reports.terminal import Terminal, printable

_STYLES = {
    Standing.DONE: "good",
    Standing.SKIPPED: "good",
    Standing.FAILED: "bad",
    Standing.UNKNOWN: "bad",
    Standing.INSTALLING: "info",
    Standing.DETACHED: "warning",
    Standing.NOT_STARTED: "warning",
    Standing.WAITING: "faint",
}
_STANDING_COLUMNS = max(len(standing.value) for standing in Standing)
_LEAST_NAME, _LEAST_NOTE = 12, 8
_ELLIPSIS = "…"
_SHOWN_FIRST = (Standing.INSTALLING, Standing.UNKNOWN, Standing.FAILED, Standing.DETACHED)
Row = tuple[str, Standing, str]


def render_rollout(endings: Sequence[Ending], terminal: Terminal) -> str:
    """Return a row for each server, whole and on one line, and the counts."""
    widest = max(len(printable(ending.server)) for ending in endings)
    rows = [
        f"{printable(ending.server):<{widest}}  "
        f"{terminal.paint(f'{ending.standing.value:<{_STANDING_COLUMNS}}', _STYLES[ending.standing])}"
        f"  {printable(ending.note)}".rstrip()
        for ending in endings
    ]
    return "".join(f"{row}\n" for row in [*rows, count(ending.standing for ending in endings)])


def draw_fleet(rows: Sequence[Row], terminal: Terminal, height: int) -> list[str]:
    """Return at most `height` lines, one or more, none wider than the terminal; the last one counts.

    Where not all fit, those at work come first, then what went wrong, and the others only count. Names and notes are
    cut, and what could act on a terminal is escaped.
    """
    room = max(height - 1, 0)
    shown = rows if len(rows) <= room else sorted(rows, key=_urgency)[:room]
    longest = max((columns(printable(name)) for name, _, _ in shown), default=0)
    total = fit(count(standing for _, standing, _ in rows), terminal.width - 1)
    return [*(_draw(row, terminal, longest) for row in shown), total]


def count(standings: Iterable[Standing]) -> str:
    """Return how many servers stand how: `3 servers: 2 done, 1 failed`."""
    numbers = Counter(standings)
    parts = [f"{numbers[standing]} {standing.value}" for standing in Standing if numbers[standing]]
    total = numbers.total()
    return f"{total} server{'s' if total != 1 else ''}: {', '.join(parts)}"


def _urgency(row: Row) -> int:
    return _SHOWN_FIRST.index(row[1]) if row[1] in _SHOWN_FIRST else len(_SHOWN_FIRST)


def _draw(row: Row, terminal: Terminal, longest: int) -> str:
    name, standing, note = row
    room = terminal.width - 1 - _STANDING_COLUMNS - 4
    widest = max(min(max(room - _LEAST_NOTE, _LEAST_NAME), longest), 1)
    shown = fit(printable(name), widest)
    painted = terminal.paint(f"{standing.value:<{_STANDING_COLUMNS}}", _STYLES[standing])
    rest = fit(printable(note), max(room - widest, 0))
    return f"{shown}{' ' * (widest - columns(shown))}  {painted}  {rest}".rstrip()


def fit(text: str, width: int) -> str:
    """Return as much of a printable text as fits into so many columns, with an ellipsis where it was cut."""
    if columns(text) <= width:
        return text
    kept = ""
    for character in text:
        if columns(kept + character) > width - 1:
            break
        kept += character
    return kept + _ELLIPSIS if width > 0 else ""


def columns(text: str) -> int:
    """How many columns a terminal needs for a printable text."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
