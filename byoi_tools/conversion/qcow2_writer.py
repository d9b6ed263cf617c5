"""Writes a qcow2 image: clusters compressed in threads, appended in guest order, the header last."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Protocol

from byoi_tools.conversion.clusters import squeeze
from byoi_tools.conversion.qcow2_layout import Mapping
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.image import Compression
from byoi_tools.model.observer import Observer

CLUSTER_BITS = 16
_BATCH_BYTES = 4 * 2**20
_BATCHES_PER_THREAD = 2


class DiskContent(ByteSource, Protocol):
    """A virtual disk that knows where it may hold anything but zeros."""

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) in bytes, ascending and apart; what lies between them reads as zeros."""
        ...


def write_qcow2(
    disk: DiskContent,
    output: BinaryIO,
    compression: Compression,
    observer: Observer,
    *,
    cluster_bits: int = CLUSTER_BITS,
    threads: int | None = None,
) -> None:
    """Write the whole disk as a qcow2 v3 image into an empty file that can be sought in.

    The same content and options give the same bytes, on any number of threads and any machine with the same version of
    the compressors. Memory is bounded by the batches in flight (some 4 MiB each) and the tables (8 bytes for each
    cluster that holds something). Raises what reading the disk raises, and `OSError` from writing.
    """
    size = 1 << cluster_bits
    mapping = Mapping(_round_up(disk.size_bytes, 512), cluster_bits, compression)
    position = size
    output.seek(position)
    for first_cluster, squeezed in _squeeze_all(disk, size, compression, observer, threads or os.cpu_count() or 1):
        for number, content in enumerate(squeezed, first_cluster):
            if content is None:
                continue
            if len(content) == size:
                position += output.write(bytes(-position % size))
                mapping.add_plain(number, position)
            else:
                mapping.add_compressed(number, position, len(content))
            position += output.write(content)
    metadata = mapping.finish(position)
    output.write(bytes(metadata.offset - position))
    output.write(metadata.tables)
    output.seek(0)
    output.write(metadata.header)


def _squeeze_all(
    disk: DiskContent, size: int, compression: Compression, observer: Observer, threads: int
) -> Iterator[tuple[int, list[bytes | None]]]:
    """Yield (number of the first cluster, squeezed clusters) in guest order, some batches ahead of the caller."""
    pending: deque[tuple[int, Future[list[bytes | None]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="squeeze") as pool:
        try:
            for first_cluster, clusters in _read_batches(disk, size, observer):
                pending.append((first_cluster, pool.submit(squeeze, clusters, compression)))
                if len(pending) > threads * _BATCHES_PER_THREAD:
                    number, done = pending.popleft()
                    yield number, done.result()
            while pending:
                number, done = pending.popleft()
                yield number, done.result()
        finally:
            for _, waiting in pending:
                waiting.cancel()


def _read_batches(disk: DiskContent, size: int, observer: Observer) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (number of the first cluster, whole clusters), the last one of the disk filled up with zeros."""
    for start, end in _cluster_ranges(disk, size):
        for offset in range(start, end, max(_BATCH_BYTES, size)):
            content = disk.read_at(offset, min(max(_BATCH_BYTES, size), end - offset))
            content += bytes(-len(content) % size)
            observer.work_advanced("converting", offset)
            yield offset // size, [content[i : i + size] for i in range(0, len(content), size)]


def _cluster_ranges(disk: DiskContent, size: int) -> Iterator[tuple[int, int]]:
    """The data ranges widened to whole clusters, and joined where that makes them meet."""
    start = end = 0
    for offset, length in disk.data_ranges():
        if offset // size * size <= end:
            end = max(end, _round_up(offset + length, size))
            continue
        if end > start:
            yield start, end
        start, end = offset // size * size, _round_up(offset + length, size)
    if end > start:
        yield start, end


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
