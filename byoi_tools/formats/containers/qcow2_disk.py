"""Reads bytes of the virtual disk in a qcow2 image (QEMU, docs/interop/qcow2.txt, "Cluster mapping")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial

from byoi_tools.errors import ImageUnsafe
from byoi_tools.formats.containers.qcow2_compression import decompress_cluster
from byoi_tools.formats.containers.qcow2_tables import (
    COMPRESSED_FLAG,
    OFFSET_MASK,
    SUBCLUSTERS,
    ZERO_FLAG,
    compressed_range,
    malformed,
    read_l1_table,
    read_l2_table,
)
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.disks.qcow2 import EXTENDED_L2, EXTERNAL_DATA_FILE, Qcow2Header
from byoi_tools.model.quoting import quote

_CACHED_TABLES = 64
_CACHED_CLUSTERS = 64
_CACHE_LIMIT_BYTES = 16 << 20


class _Kind(Enum):
    ZEROS = "reads as zeros"
    DATA = "lies in the file as it is"
    COMPRESSED = "is part of a compressed cluster"


@dataclass(slots=True)
class _Run:
    """Bytes of the virtual disk that are read in one go; `location` is the file offset, or a compressed descriptor."""

    kind: _Kind
    start: int
    location: int
    length: int

    def is_continued_by(self, kind: _Kind, location: int) -> bool:
        """Whether bytes of that kind and place are simply the next ones."""
        if kind is not self.kind or kind is _Kind.COMPRESSED:
            return False
        return kind is _Kind.ZEROS or location == self.location + self.length


class Qcow2Disk:
    """The virtual disk: a `ByteSource` over standard, zero, unallocated and compressed clusters and subclusters.

    Nothing outside the file is ever read: construction raises `ImageUnsafe` when the header names a backing file or
    an external data file, or has encryption or incompatible features that nobody knows. Construction and reading raise
    `ImageMalformed` for tables and clusters that are damaged or missing (QEMU takes missing ones for zeros). Memory
    is bounded: a request, plus 16 MiB each of L2 tables and of decompressed clusters.
    """

    def __init__(self, source: ByteSource, header: Qcow2Header) -> None:
        _refuse_unsafe(header)
        self._source = source
        self._header = header
        self._l1_table = read_l1_table(source, header)
        self._is_extended = header.has_incompatible_feature(EXTENDED_L2)
        self._unit_bytes = header.cluster_size_bytes // (SUBCLUSTERS if self._is_extended else 1)
        affordable = _CACHE_LIMIT_BYTES // header.cluster_size_bytes
        self._l2_table = lru_cache(min(_CACHED_TABLES, affordable))(partial(read_l2_table, source, header))
        self._cluster = lru_cache(min(_CACHED_CLUSTERS, affordable))(partial(_read_compressed, source, header))

    @property
    def size_bytes(self) -> int:
        """The virtual size."""
        return self._header.virtual_size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the disk."""
        end = min(offset + length, self.size_bytes)
        return b"".join(map(self._read_run, self._runs(offset, end))) if offset >= 0 else b""

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of what is allocated, ascending and apart; between them the disk reads as zeros."""
        mapped_by_entry = self._header.l2_entry_count * self._header.cluster_size_bytes
        start = end = 0
        for number, entry in enumerate(self._l1_table):
            if entry & OFFSET_MASK == 0:
                continue
            first = number * mapped_by_entry
            for run in self._runs(first, min(first + mapped_by_entry, self.size_bytes)):
                if run.kind is _Kind.ZEROS:
                    continue
                if run.start != end:
                    if end > start:
                        yield start, end - start
                    start = run.start
                end = run.start + run.length
        if end > start:
            yield start, end - start

    def _read_run(self, run: _Run) -> bytes:
        if run.kind is _Kind.ZEROS:
            return bytes(run.length)
        if run.kind is _Kind.DATA:
            return read_exactly(self._source, run.location, run.length, "data of the qcow2 image")
        start = run.start % self._header.cluster_size_bytes
        return self._cluster(run.location)[start : start + run.length]

    def _runs(self, offset: int, end: int) -> Iterator[_Run]:
        """The runs between two offsets in their order, as long as the mapping allows."""
        run: _Run | None = None
        while offset < end:
            length = min(end - offset, self._unit_bytes - offset % self._unit_bytes)
            kind, location = self._locate(offset)
            if run and run.is_continued_by(kind, location):
                run.length += length
            else:
                if run:
                    yield run
                run = _Run(kind, offset, location, length)
            offset += length
        if run:
            yield run

    def _locate(self, offset: int) -> tuple[_Kind, int]:
        """What the byte at an offset of the virtual disk is, and its place as in `_Run`."""
        header = self._header
        l1_index, l2_index = divmod(offset >> header.cluster_bits, header.l2_entry_count)
        table_offset = self._l1_table[l1_index] & OFFSET_MASK
        if table_offset == 0:
            return _Kind.ZEROS, 0
        table = self._l2_table(table_offset)
        entry = table[2 * l2_index] if self._is_extended else table[l2_index]
        if entry & COMPRESSED_FLAG:
            return _Kind.COMPRESSED, entry
        within = offset % header.cluster_size_bytes
        is_zero = (
            self._is_zero_subcluster(entry, table[2 * l2_index + 1], within)
            if self._is_extended
            else self._is_zero_cluster(entry)
        )
        if is_zero:
            return _Kind.ZEROS, 0
        host_offset = entry & OFFSET_MASK
        if host_offset % header.cluster_size_bytes:
            raise malformed("data of the qcow2 image starts at no cluster", f"offset {host_offset}")
        return _Kind.DATA, host_offset + within

    def _is_zero_cluster(self, entry: int) -> bool:
        if entry & ZERO_FLAG and self._header.version < 3:
            raise malformed("a cluster of the qcow2 image has a zero flag, which version 2 does not know")
        return bool(entry & ZERO_FLAG) or not entry & OFFSET_MASK

    def _is_zero_subcluster(self, entry: int, bitmap: int, within: int) -> bool:
        """Whether the subcluster reads as zeros, flagged or not allocated ("Extended L2 Entries")."""
        allocated = bitmap & 0xFFFF_FFFF
        if allocated & bitmap >> SUBCLUSTERS or (allocated and not entry & OFFSET_MASK):
            details = f"entry {entry:#x}, bitmap {bitmap:#x}"
            raise malformed("the subclusters of a cluster of the qcow2 image contradict each other", details)
        return not allocated >> within // self._unit_bytes & 1


def _read_compressed(source: ByteSource, header: Qcow2Header, entry: int) -> bytes:
    offset, length = compressed_range(header, entry)
    return decompress_cluster(source.read_at(offset, length), header.cluster_size_bytes, header.compression_type)


def _refuse_unsafe(header: Qcow2Header) -> None:
    if header.backing_file is not None:
        raise _unsafe(
            "the qcow2 image has a backing file, which is part of its content",
            quote(header.backing_file),
            "Write one image without it: qemu-img convert -O qcow2, where the backing file is at hand.",
        )
    if header.has_incompatible_feature(EXTERNAL_DATA_FILE) or header.data_file is not None:
        raise _unsafe(
            "the qcow2 image keeps its content in an external data file",
            quote(header.data_file or ""),
            "Write one image without it: qemu-img convert -O qcow2, where the data file is at hand.",
        )
    if header.encryption_method:
        raise _unsafe(
            "the qcow2 image is encrypted",
            f"encryption method {header.encryption_method}",
            "Decrypt it with qemu-img convert; the server has nobody to type the passphrase.",
        )
    if header.unknown_incompatible_features:
        raise _unsafe(
            "the qcow2 image has features that are unknown, so that it cannot be read safely",
            f"incompatible feature bits {header.unknown_incompatible_features:#x}",
            "Write it again with qemu-img convert -O qcow2, from the program that made it.",
        )


def _unsafe(message: str, details: str, remedy: str) -> ImageUnsafe:
    return ImageUnsafe(message, details=details, remedy=remedy)
