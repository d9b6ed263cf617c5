from __future__ import annotations

import sys

import pytest

from benchmarks.measure import medians, peak_bytes_of, seconds_of
from byoi_tools.errors import ToolFailed

MIB = 2**20
_HOLD = "x = bytearray(b'x') * ({} << 20); import time; time.sleep(0.3)"


def test_seconds() -> None:
    assert 0.2 < seconds_of(["sleep", "0.2"]) < 5


def test_another_exit_code_is_an_error() -> None:
    with pytest.raises(ToolFailed, match="exit code 3"):
        seconds_of(["sh", "-c", "exit 3"])
    assert seconds_of(["sh", "-c", "exit 3"], frozenset({3})) > 0


def test_peaks_of_a_process_and_its_children_are_added() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_HOLD.format(60)!r}])"
    alone = peak_bytes_of([sys.executable, "-c", _HOLD.format(60)])
    both = peak_bytes_of([sys.executable, "-c", f"{child}; {_HOLD.format(80)}"])
    assert 60 * MIB < alone < 100 * MIB
    assert 140 * MIB < both < 220 * MIB


def test_medians_are_taken_in_turn() -> None:
    order: list[str] = []
    times = iter([1.0, 10.0, 5.0, 30.0, 2.0, 20.0])

    def work(name: str) -> float:
        order.append(name)
        return next(times)

    assert medians({"a": lambda: work("a"), "b": lambda: work("b")}, 3) == {"a": 2.0, "b": 20.0}
    assert order == ["a", "b"] * 3
