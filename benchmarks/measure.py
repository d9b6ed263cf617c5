"""Runs programs and measures them: seconds, and the peak memory of a process with its children."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from byoi_tools.errors import ToolFailed

BYOI_TOOLS = Path(sys.executable).parent / "byoi-tools"
_SETTINGS = ("BYOI_", "AWS_", "OVH_", "PYTHON")  # with PYTHONDONTWRITEBYTECODE each run would compile all anew
_SAMPLE_SECONDS = 0.005
_PIECE_BYTES = 2**22
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)

Command = Sequence[str | Path]
Work = Callable[[], float]


def seconds_of(command: Command, accepted: frozenset[int] = frozenset({0}), more: Mapping[str, str] = {}) -> float:
    """Run a command and return its seconds; raises `ToolFailed` when it ends with another code.

    The files that it names are read before: what the disk is like, and what is in memory by chance, is not measured.
    """
    for file in {word.resolve() for word in command if isinstance(word, Path) and word.is_file()}:
        _read(file)
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, env=clean_environment(more), check=False)
    seconds = time.perf_counter() - start
    _require(command, done.returncode, accepted, done.stderr)
    return seconds


def peak_bytes_of(command: Command, accepted: frozenset[int] = frozenset({0}), more: Mapping[str, str] = {}) -> int:
    """Run a command and return the sum of the peaks (VmHWM) of its process and all that it started.

    Peaks of different moments are added, so that the true peak is at most that.
    """
    peaks: dict[int, int] = {}
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean_environment(more)
    ) as process:
        while process.poll() is None:
            for number in _family(process.pid):
                peaks[number] = max(peaks.get(number, 0), _peak_bytes(number))
            time.sleep(_SAMPLE_SECONDS)
        errors = process.stderr.read() if process.stderr else b""
    _require(command, process.returncode, accepted, errors)
    return sum(peaks.values())


def medians(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Do all works in turn, as often as there are rounds, and return the median of the seconds that each returns."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        for name, work in works.items():
            times[name].append(work())
            print(f"round {number + 1} of {rounds}: {name}: {times[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of the measured programs, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)} | dict(more)


def _read(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(_PIECE_BYTES):
            pass


def _require(command: Command, code: int, accepted: frozenset[int], errors: bytes) -> None:
    if code not in accepted:
        raise ToolFailed(
            f"{command[0]} ended with exit code {code}",
            details=errors.decode(errors="replace")[-1000:],
            remedy=f"Run it alone: {' '.join(map(str, command))}",
        )


def _family(number: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{number}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [number, *(relative for child in children for relative in _family(child))]


def _peak_bytes(number: int) -> int:
    try:
        match = _PEAK.search(Path(f"/proc/{number}/status").read_text())
    except OSError:
        return 0
    return int(match.group(1)) * 1024 if match else 0
