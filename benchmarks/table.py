"""The rows of the measurements, as a Markdown table in the README between two markers."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from byoi_tools.errors import UsageError

BEGIN = "<!-- written by `make bench` -->"
END = "<!-- end of what `make bench` writes -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, what came out, and what it should be."""

    what: str
    measured: str
    target: str
    is_met: bool


def ratio_row(what: str, ours: float, theirs: float, limit: float) -> Row:
    """A row for our seconds ÷ those of something else, at most `limit`; small ratios are told as 1/N."""
    ratio = ours / theirs
    return Row(
        what, f"{ours:.2f} s ÷ {theirs:.2f} s = {_fraction(ratio)}", f"at most {_fraction(limit)}", ratio <= limit
    )


def render_table(rows: list[Row], machine: str) -> str:
    """Return the Markdown: a line on when and where, and the table."""
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}.",
        "",
        "| what | measured | target |",
        "|---|---|---|",
    ]
    for row in rows:
        lines.append(f"| {row.what} | {row.measured}{'' if row.is_met else ' **(missed)**'} | {row.target} |")
    return "\n".join(lines)


def write_table(document: Path, table: str) -> None:
    """Replace what is between the markers of a document; raises `UsageError` when they are not there."""
    text = document.read_text()
    pattern = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise UsageError(f"{document} has no place for the table", remedy=f"Write {BEGIN} and {END} where it belongs.")
    document.write_text(pattern.sub(lambda _: f"{BEGIN}\n\n{table}\n\n{END}", text))


def describe_machine(accelerator: str) -> str:
    """Cores, processor, memory, accelerator of virtual machines, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({names[0] if names else platform.machine()}), {memory:.0f} GiB, {accelerator}, "
        f"Python {platform.python_version()}; medians of the rounds, all of a row in turn"
    )


def _fraction(ratio: float) -> str:
    return f"1/{1 / ratio:.0f}" if ratio < 0.1 else f"{ratio:.2f}"
