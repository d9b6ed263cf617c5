"""Measures `check`: against libguestfs, against a huge disk, its memory, and several images at once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.images import DEBIAN, make_8_tib, make_twenty
from benchmarks.measure import BYOI_TOOLS, medians, peak_bytes_of, seconds_of
from benchmarks.table import Row, ratio_row
from byoi_tools.model.sizes import human_size

_JUDGED = frozenset({0, 1})
_LARGEST_RATIO_TO_LIBGUESTFS = 1 / 40
_LARGEST_SECONDS = 1.0
_LARGEST_RATIO_OF_8_TIB = 1.5
_LARGEST_PEAK_BYTES = 300 * 2**20
_LARGEST_RATIO_OF_TWO_JOBS = 0.6


def measure_check(rounds: int, libguestfs: Mapping[str, str]) -> list[Row]:
    """Return the rows; `libguestfs` is the environment in which it starts."""
    with tempfile.TemporaryDirectory(dir=DEBIAN.parent, prefix=".bench.") as scratch:
        huge = make_8_tib(Path(scratch))
        twenty = make_twenty(Path(scratch))
        _check(DEBIAN)  # as for every user but the first: Python has compiled its modules, the image is in memory
        return [
            *_against_libguestfs(rounds, libguestfs),
            _huge(rounds, huge),
            _memory(huge),
            *_jobs(rounds, twenty),
        ]


def _check(*arguments: str | Path) -> float:
    return seconds_of([BYOI_TOOLS, "check", "--boot", "uefi", *arguments], _JUDGED)


def _against_libguestfs(rounds: int, libguestfs: Mapping[str, str]) -> list[Row]:
    inspection: list[str | Path] = [BYOI_TOOLS.with_name("python"), "-m", "benchmarks.libguestfs_inspection", DEBIAN]
    found = medians(
        {"check": lambda: _check(DEBIAN), "libguestfs": lambda: seconds_of(inspection, more=libguestfs)}, rounds
    )
    what = "`check` of the Debian image ÷ libguestfs inspecting it (launch, inspect, mount, read two files)"
    return [
        ratio_row(what, found["check"], found["libguestfs"], _LARGEST_RATIO_TO_LIBGUESTFS),
        Row("`check` of the Debian image", f"{found['check']:.2f} s", "under 1.0 s", found["check"] < _LARGEST_SECONDS),
    ]


def _huge(rounds: int, huge: Path) -> Row:
    found = medians({"8 TiB": lambda: _check(huge), "2 GiB": lambda: _check(DEBIAN)}, rounds)
    what = "`check` of the same contents on a disk of 8 TiB ÷ on one of 2 GiB"
    return ratio_row(what, found["8 TiB"], found["2 GiB"], _LARGEST_RATIO_OF_8_TIB)


def _memory(huge: Path) -> Row:
    command: list[str | Path] = [BYOI_TOOLS, "check", "--boot", "uefi"]
    peaks = [peak_bytes_of([*command, image], _JUDGED) for image in (DEBIAN, huge)]
    shown = " and ".join(human_size(peak) for peak in peaks)
    what = "peak memory of `check`, all its processes together: 2 GiB and 8 TiB"
    return Row(what, shown, f"under {human_size(_LARGEST_PEAK_BYTES)}", max(peaks) < _LARGEST_PEAK_BYTES)


def _jobs(rounds: int, twenty: list[Path]) -> list[Row]:
    """Against the loop of a shell, which is the other way to do it, and against one call, which overlaps as well."""
    found = medians(
        {
            "two jobs": lambda: _check("--jobs", "2", *twenty),
            "twenty calls": lambda: sum(_check(image) for image in twenty),
            "one call": lambda: _check(*twenty),
        },
        rounds,
    )
    what = "`check --jobs 2` of twenty images ÷"
    alone = f"{found['two jobs']:.2f} s ÷ {found['one call']:.2f} s = {found['two jobs'] / found['one call']:.2f}"
    return [
        ratio_row(
            f"{what} twenty calls, one after the other",
            found["two jobs"],
            found["twenty calls"],
            _LARGEST_RATIO_OF_TWO_JOBS,
        ),
        Row(f"{what} one call without `--jobs`", alone, "none: one check already uses a part of the second core", True),
    ]
