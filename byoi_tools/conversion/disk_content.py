"""What a conversion reads: a virtual disk that knows where it may hold anything but zeros, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from byoi_tools.formats.source import ByteSource

PIECE_BYTES = 4 * 2**20


class DiskContent(ByteSource, Protocol):
    """A virtual disk that knows where it may hold anything but zeros; it is read from several threads at once."""

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) in bytes, ascending and apart; what lies between them reads as zeros."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """The 4 MiB from `number` times 4 MiB on: the ranges (start, end) in them that may hold anything but zeros."""

    number: int
    ranges: tuple[tuple[int, int], ...]


def stored_pieces(disk: DiskContent, unit_bytes: int) -> Iterator[Piece]:
    """Yield the pieces that may hold something, ascending; the ranges widened to whole units of a power of two.

    The last range may end after the disk.
    """
    cut = (part for start, end in _widen(disk, unit_bytes) for part in _cut(start, end))
    for number, ranges in groupby(cut, lambda part: part[0] // PIECE_BYTES):
        yield Piece(number, tuple(ranges))


def read_units(disk: DiskContent, start: int, end: int) -> bytes:
    """Return the bytes of a range, filled up with zeros behind the end of the disk."""
    return disk.read_at(start, end - start).ljust(end - start, b"\0")


def _widen(disk: DiskContent, unit_bytes: int) -> Iterator[tuple[int, int]]:
    """The data ranges as whole units, joined where that makes them meet."""
    start = end = 0
    for offset, length in disk.data_ranges():
        first, last = offset // unit_bytes * unit_bytes, -(-(offset + length) // unit_bytes) * unit_bytes
        if first <= end:
            end = max(end, last)
            continue
        if end > start:
            yield start, end
        start, end = first, last
    if end > start:
        yield start, end


def _cut(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a range where pieces begin."""
    while start < end:
        stop = min(end, (start // PIECE_BYTES + 1) * PIECE_BYTES)
        yield start, stop
        start = stop
