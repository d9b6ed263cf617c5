"""Looks through the tables of virtual disks that say where their blocks are, so that no block is missing."""

from __future__ import annotations

import struct
from collections.abc import Callable

from byoi_tools.errors import ImageUnsafe
from byoi_tools.formats.source import ByteSource, read_exactly

_PIECE_BYTES = 1 << 20
_LARGEST_TABLE_BYTES = 64 << 20


def largest_entry(
    source: ByteSource, offset: int, entries: int, entry_format: str, place_of: Callable[[int], int]
) -> int:
    """Return the largest place that the entries of a table give, -1 when they give none.

    `entry_format` is that of `struct` for one entry; `place_of` is asked once for each different entry, and answers -1
    for one that has no block. Raises `ImageMalformed` when the table is cut off, `ImageUnsafe` when it has over 64 MiB.
    """
    width = struct.calcsize(entry_format)
    if entries * width > _LARGEST_TABLE_BYTES:
        raise ImageUnsafe(
            "the table of blocks is absurdly large",
            details=f"it has {entries} entries",
            remedy="Export the disk again, with blocks of the usual size.",
        )
    largest, end = -1, offset + entries * width
    for start in range(offset, end, _PIECE_BYTES):
        piece = read_exactly(source, start, min(_PIECE_BYTES, end - start), "table of blocks")
        different = {entry for (entry,) in struct.iter_unpack(entry_format, piece)}
        largest = max(largest, *map(place_of, different))
    return largest
