"""Writes a qcow2 image: clusters compressed in threads, appended in guest order, the header last."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

from byoi_tools.conversion.ahead import map_ahead
from byoi_tools.conversion.clusters import squeeze
from byoi_tools.conversion.disk_content import PIECE_BYTES, DiskContent, Piece, read_units, stored_pieces
from byoi_tools.conversion.qcow2_layout import Mapping
from byoi_tools.model.image import Compression
from byoi_tools.model.observer import Observer

CLUSTER_BITS = 16
FORMAT_VERSION = 2  # of what is written: one more whenever the same content and options would give other bytes

_Squeezed = list[tuple[int, bytes | memoryview]]


def write_qcow2(
    disk: DiskContent,
    output: BinaryIO,
    compression: Compression,
    observer: Observer,
    *,
    cluster_bits: int = CLUSTER_BITS,
    threads: int | None = None,
    on_written: Callable[[int], None] = lambda end: None,
) -> None:
    """Write the whole disk as a qcow2 v3 image into an empty file that can be sought in.

    The same content and options give the same bytes, on any number of threads and any machine with the same version of
    the compressors. Memory is bounded by the pieces in flight (some 4 MiB each) and the tables (8 bytes for each
    cluster that holds something). `on_written` is told from the caller's thread that the bytes from the second cluster
    up to an offset are in the file and will not change; the first cluster is the last that is written. Raises what
    reading the disk and `on_written` raise, and `OSError` from writing.
    """
    size = 1 << cluster_bits
    mapping = Mapping(-(-disk.size_bytes // 512) * 512, cluster_bits, compression)
    position = size
    output.seek(position)

    def squeeze_piece(piece: Piece) -> tuple[int, _Squeezed]:
        return piece.number, [
            (start // size + number, content)
            for start, end in piece.ranges
            for number, content in squeeze(read_units(disk, start, end), size, compression)
        ]

    for piece, squeezed in map_ahead(squeeze_piece, stored_pieces(disk, size), threads or os.cpu_count() or 1):
        position = _append(squeezed, position, size, mapping, output)
        on_written(position)
        observer.work_advanced("converting", min((piece + 1) * PIECE_BYTES, disk.size_bytes))
    metadata = mapping.finish(position)
    output.write(bytes(metadata.offset - position))
    output.write(metadata.tables)
    output.seek(0)
    output.write(metadata.header)
    output.flush()


def _append(squeezed: _Squeezed, position: int, size: int, mapping: Mapping, output: BinaryIO) -> int:
    """Write clusters at a position, in one go, and return the end."""
    contents: list[bytes | memoryview] = []
    for number, content in squeezed:
        if len(content) == size:
            padding = -position % size
            contents.append(bytes(padding))
            position += padding
            mapping.add_plain(number, position)
        else:
            mapping.add_compressed(number, position, len(content))
        contents.append(content)
        position += len(content)
    output.write(b"".join(contents))
    output.flush()
    return position
