"""Measures the compressed conversion and the digests, against qemu-img, sha256sum and sha512sum."""

from __future__ import annotations

from pathlib import Path

from benchmarks.images import DEBIAN
from benchmarks.measure import BYOI_TOOLS, Command, medians, seconds_of
from benchmarks.table import Row, ratio_row
from byoi_tools.model.sizes import human_size

COMPRESSED = ("--compress", "zlib")
QEMU_IMG = "qemu-img convert -f raw -O qcow2 -c -m 16 -W"
_ROUNDS_OF_SLOW_RIVALS = 3  # qemu-img takes most of the time of all measurements
_LARGEST_RATIO_OF_SECONDS = 0.15
_LARGEST_RATIO_OF_SIZES = 1.08
_LARGEST_RATIO_OF_DIGESTS = 1.15


def measure_conversion(rounds: int, scratch: Path) -> list[Row]:
    """Return the rows; `scratch` is a directory for what is written."""
    ours, theirs = scratch / "ours.qcow2", scratch / "theirs.qcow2"
    raw = DEBIAN.with_suffix(".raw")
    convert: Command = [BYOI_TOOLS, "convert", raw, ours, *COMPRESSED, "--no-verify"]
    found = medians(
        {
            "byoi-tools convert": lambda: _write_anew(convert, ours),
            "qemu-img convert": lambda: _write_anew([*QEMU_IMG.split(), raw, theirs], theirs),
        },
        min(rounds, _ROUNDS_OF_SLOW_RIVALS),
    )
    sizes = ours.stat().st_size, theirs.stat().st_size
    ours.unlink()
    theirs.unlink()
    what = "`convert --compress zlib --no-verify` of the Debian image ÷ `qemu-img convert -c -m 16 -W`"
    return [
        ratio_row(what, found["byoi-tools convert"], found["qemu-img convert"], _LARGEST_RATIO_OF_SECONDS),
        _compare_sizes(*sizes),
    ]


def measure_digests(rounds: int, file: Path) -> Row:
    """Return the row of both digests of a file in one read."""
    found = medians(
        {
            "byoi-tools checksum": lambda: seconds_of([BYOI_TOOLS, "checksum", file]),
            "sha256sum": lambda: seconds_of(["sha256sum", file]),
            "sha512sum": lambda: seconds_of(["sha512sum", file]),
        },
        rounds,
    )
    what = f"`checksum` (SHA-256 and SHA-512) of {human_size(file.stat().st_size)} ÷ the slower of their programs"
    slower = max(found["sha256sum"], found["sha512sum"])
    return ratio_row(what, found["byoi-tools checksum"], slower, _LARGEST_RATIO_OF_DIGESTS)


def _write_anew(command: Command, output: Path) -> float:
    output.unlink(missing_ok=True)
    return seconds_of(command)


def _compare_sizes(ours: int, theirs: int) -> Row:
    ratio = ours / theirs
    shown = f"{human_size(ours)} ÷ {human_size(theirs)} = {ratio:.2f}"
    limit = _LARGEST_RATIO_OF_SIZES
    return Row("its size ÷ that of qemu-img's", shown, f"at most {limit:.2f}", ratio <= limit)
