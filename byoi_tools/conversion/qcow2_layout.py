"""The metadata of a qcow2 v3 image whose data was appended in guest order (QEMU, docs/interop/qcow2.txt): pure bytes.

The file is: the header in cluster 0; the data; then, each starting at a cluster, the L2 tables in guest order, the L1
table, the refcount blocks and the refcount table. Everything but the header is written once and in order.
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass

from byoi_tools.model.image import Compression

_HEADER = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_REFCOUNT_ORDER = 4  # 16 bits, the only width that version 2 knows and that everybody reads
_REFCOUNT_BYTES = 2
_COPIED = 1 << 63
_COMPRESSED = 1 << 62
_COMPRESSION_TYPE_BIT = 1 << 3
_SECTOR_BYTES = 512


def compressed_entry(offset: int, length: int, cluster_bits: int) -> int:
    """Return the L2 entry of a compressed cluster whose data lies at an offset of the file."""
    offset_bits = 62 - (cluster_bits - 8)
    sectors = (offset + length - 1) // _SECTOR_BYTES - offset // _SECTOR_BYTES
    return _COMPRESSED | sectors << offset_bits | offset


def plain_entry(offset: int) -> int:
    """Return the L2 entry of a cluster that lies in the file as it is."""
    return _COPIED | offset


def most_bytes(virtual_size_bytes: int, clusters: int, cluster_bits: int) -> int:
    """Return what an image with that many stored clusters has at most, whatever their compression saves.

    A cluster that lies in the file as it is may leave a gap before it, but only where a compressed one saved as much.
    """
    size = 1 << cluster_bits
    l2_tables = min(clusters, -(-virtual_size_bytes // (size * size // 8)))
    l1_clusters = -(-virtual_size_bytes // (size * size // 8) * 8 // size)
    counted = 2 + clusters + l2_tables + l1_clusters
    refcount_blocks = counted * _REFCOUNT_BYTES // size + 2
    return size * (counted + refcount_blocks + -(-refcount_blocks * 8 // size) + 1)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is written behind the data, from `offset` on, and then at byte 0."""

    offset: int
    tables: bytes
    header: bytes


class Mapping:
    """Collects where the clusters of the virtual disk went, and how often each cluster of the file is referred to."""

    def __init__(self, virtual_size_bytes: int, cluster_bits: int, compression: Compression) -> None:
        self._virtual_size_bytes = virtual_size_bytes
        self._cluster_bits = cluster_bits
        self._compression = compression
        self._entries_per_table = (1 << cluster_bits) // 8
        self._tables: dict[int, array[int]] = {}
        self._refcounts = array("H", [1])

    def add_compressed(self, guest_cluster: int, offset: int, length: int) -> None:
        """Record a compressed cluster; it may share its first and its last cluster of the file with its neighbours."""
        self._set(guest_cluster, compressed_entry(offset, length, self._cluster_bits))
        last_byte = (offset + length - 1) // _SECTOR_BYTES * _SECTOR_BYTES + _SECTOR_BYTES - 1
        self._count(offset >> self._cluster_bits, last_byte >> self._cluster_bits)

    def add_plain(self, guest_cluster: int, offset: int) -> None:
        """Record a cluster that lies at an offset, which is a multiple of the cluster size."""
        self._set(guest_cluster, plain_entry(offset))
        self._count(offset >> self._cluster_bits, offset >> self._cluster_bits)

    def finish(self, data_end: int) -> Metadata:
        """Return the metadata for data that ends at `data_end`."""
        size = 1 << self._cluster_bits
        start = _round_up(data_end, size)
        l2_offsets = {index: start + number * size for number, index in enumerate(sorted(self._tables))}
        l1_offset = start + len(l2_offsets) * size
        l1_entry_count = max(1, -(-self._virtual_size_bytes // (size * self._entries_per_table)))
        blocks_offset = l1_offset + _round_up(l1_entry_count * 8, size)
        l1_table = array("Q", bytes(8 * l1_entry_count))
        for index, offset in l2_offsets.items():
            l1_table[index] = _COPIED | offset
        block_count, table_clusters = self._size_refcounts(blocks_offset >> self._cluster_bits)
        table_offset = blocks_offset + block_count * size
        tables = b"".join(
            (
                *(_big_endian(self._tables[index]) for index in sorted(self._tables)),
                _pad(_big_endian(l1_table), size),
                self._refcount_blocks(table_offset + table_clusters * size),
                _pad(_big_endian(array("Q", [blocks_offset + n * size for n in range(block_count)])), size),
            )
        )
        return Metadata(start, tables, self._header(l1_entry_count, l1_offset, table_offset, table_clusters))

    def _set(self, guest_cluster: int, entry: int) -> None:
        index, position = divmod(guest_cluster, self._entries_per_table)
        table = self._tables.get(index)
        if table is None:
            table = self._tables[index] = array("Q", bytes(8 * self._entries_per_table))
        table[position] = entry

    def _count(self, first: int, last: int) -> None:
        while len(self._refcounts) <= last:
            self._refcounts.append(0)
        for cluster in range(first, last + 1):
            self._refcounts[cluster] += 1

    def _size_refcounts(self, clusters_before: int) -> tuple[int, int]:
        """How many blocks, and clusters of their table, count every cluster of the file, themselves included."""
        size = 1 << self._cluster_bits
        blocks, table = 1, 1
        while True:
            clusters = clusters_before + blocks + table
            needed = -(-clusters // (size // _REFCOUNT_BYTES))
            needed_table = -(-needed * 8 // size)
            if (needed, needed_table) == (blocks, table):
                return blocks, table
            blocks, table = max(needed, blocks), max(needed_table, table)

    def _refcount_blocks(self, file_size: int) -> bytes:
        """The blocks: what the data counted, and 1 for each cluster of metadata."""
        size = 1 << self._cluster_bits
        counts = self._refcounts[:]
        clusters = file_size >> self._cluster_bits
        counts.extend(1 for _ in range(clusters - len(counts)))
        return _pad(_big_endian(counts), size)

    def _header(self, l1_entry_count: int, l1_offset: int, table_offset: int, table_clusters: int) -> bytes:
        is_zstd = self._compression is Compression.ZSTD
        header = _HEADER.pack(
            *(b"QFI\xfb", 3, 0, 0, self._cluster_bits, self._virtual_size_bytes, 0, l1_entry_count),
            *(l1_offset, table_offset, table_clusters, 0, 0),
            *(_COMPRESSION_TYPE_BIT if is_zstd else 0, 0, 0, _REFCOUNT_ORDER, 112),
        )
        return header + bytes([1 if is_zstd else 0]) + bytes(7) + bytes(8)  # padding, and the end of the extensions


def _big_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        return values.tobytes()
    swapped = values[:]
    swapped.byteswap()
    return swapped.tobytes()


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def _pad(content: bytes, step: int) -> bytes:
    return content + bytes(-len(content) % step)
