"""Counts what the L1 and L2 tables of a qcow2 image refer to (QEMU, docs/interop/qcow2.txt, "Cluster mapping").

An image of 1 TiB has 16 million entries. So tables are taken as one big integer of 64-bit lanes, an entry each, and
arithmetic works on all lanes at once. A `flags` is such an integer with 0 or 1 in every lane.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.qcow2_tables import OFFSET_MASK, SECTOR_BYTES, SUBCLUSTERS, to_entries
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.disks.qcow2 import EXTENDED_L2, EXTERNAL_DATA_FILE, Qcow2ClusterMap, Qcow2Header

_L2_LIMIT_BYTES = 256 << 20  # maps 2 TiB of clusters of 64 KiB
_L2_LIMIT_TABLES = 1 << 18
_BATCH_BYTES = 64 << 10  # larger ones leave the processor's caches
_LANE = 1 << 64
_CARRY = 63  # no lane that is compared uses its bit 63
_REFCOUNT_IS_ONE = 63  # the bit of an entry
_MOST_COMPARED = 1 << 18  # 16 GiB in clusters of 64 KiB; about 25 MiB of memory


@dataclass(slots=True)
class _Counts:
    data: int = 0
    compressed: int = 0
    zero: int = 0
    end: int = 0
    missing: int = 0
    misaligned: int = 0
    shared: int = 0
    owned: set[int] = field(default_factory=set)


def read_cluster_map(source: ByteSource, header: Qcow2Header) -> Qcow2ClusterMap:
    """Return what the active tables refer to; a table that is referred to twice counts once.

    Whether clusters are shared is found out for the first 262144, in the order of their tables in the file.
    Whatever lies beyond the end of the file is counted as missing, parts of the L1 table too, and raises nothing. Of
    an image with an external data file only tables can be missing. Raises `ImageMalformed` when unknown features
    forbid to interpret the tables, or the file shrinks meanwhile; `ImageUnsafe` when there are over 256 MiB of L2
    tables, or over 262144.
    """
    if header.unknown_incompatible_features:
        raise ImageMalformed(
            "the qcow2 image has features that are unknown, so that its tables cannot be interpreted",
            details=f"incompatible feature bits {header.unknown_incompatible_features:#x}",
            remedy="Write it again with qemu-img convert -O qcow2, from the program that made it.",
        )
    counts = _Counts()
    tables = _find_tables(source, header, counts)
    for batch in _read_batches(source, header.cluster_size_bytes, tables):
        _count_entries(batch, header, source.size_bytes, counts)
    return Qcow2ClusterMap(
        data_clusters=counts.data,
        compressed_clusters=counts.compressed,
        zero_clusters=counts.zero,
        end_bytes=counts.end,
        missing_clusters=counts.missing,
        misaligned_entries=counts.misaligned,
        shared_clusters=counts.shared,
    )


def _find_tables(source: ByteSource, header: Qcow2Header, counts: _Counts) -> list[int]:
    """The offsets of the L2 tables that can be read; counts the others, and the L1 table itself."""
    cluster_size = header.cluster_size_bytes
    length = header.l1_entry_count * 8
    if length:
        counts.end = header.l1_table_offset + length
        counts.missing = max(0, -(-(counts.end - max(source.size_bytes, header.l1_table_offset)) // cluster_size))
    present = source.read_at(header.l1_table_offset, length)
    last_offset = source.size_bytes - cluster_size
    offsets: set[int] = set()
    end = 0
    for entry in to_entries(present[: len(present) // 8 * 8]):
        offset = entry & OFFSET_MASK
        if offset == 0 or offset in offsets:
            continue
        if offset > end:
            end = offset
        if offset % cluster_size:
            counts.misaligned += 1
        elif offset > last_offset:
            counts.missing += 1
        else:
            offsets.add(offset)
            _refuse_absurd(len(offsets), cluster_size)
    counts.end = max(counts.end, end + cluster_size if end else 0)
    return sorted(offsets)


def _refuse_absurd(tables: int, cluster_size: int) -> None:
    if tables > _L2_LIMIT_TABLES or tables * cluster_size > _L2_LIMIT_BYTES:
        raise ImageUnsafe(
            "the qcow2 image has too many L2 tables",
            details=f"over {tables - 1} of {cluster_size} bytes",
            remedy="Write it again with larger clusters: qemu-img convert -O qcow2 -o cluster_size=2M",
        )


def _read_batches(source: ByteSource, table_bytes: int, offsets: Iterable[int]) -> Iterator[bytes]:
    batch: list[bytes] = []
    for offset in offsets:
        batch.append(read_exactly(source, offset, table_bytes, "L2 table of the qcow2 image"))
        if len(batch) * table_bytes >= _BATCH_BYTES:
            yield b"".join(batch)
            batch.clear()
    yield b"".join(batch)


def _count_entries(tables: bytes, header: Qcow2Header, file_size: int, counts: _Counts) -> None:
    words = array("Q", tables)  # in the file's byte order: only their places matter here
    is_extended = header.has_incompatible_feature(EXTENDED_L2)
    descriptors = words[::2] if is_extended else words
    ones = _lanes_of(1, len(descriptors))
    lanes = int.from_bytes(descriptors, "big")
    compressed = lanes >> 62 & ones
    if compressed:
        _count_compressed(lanes & _spread(compressed), ones, header, file_size, counts)
    if is_extended:
        bitmaps = int.from_bytes(words[1::2], "big")
        allocated = _flag_at_least(bitmaps & ones * 0xFFFF_FFFF, 1, ones) & ~compressed
        zero = _flag_at_least(bitmaps >> 32 & ones * 0xFFFF_FFFF, 1, ones) & ~compressed & ~allocated
        mapped = lanes & _spread(allocated)
    else:
        zero = lanes & (ones ^ compressed)
        mapped = lanes ^ lanes & _spread(compressed | zero)
    counts.zero += zero.bit_count()
    _count_data(mapped & ones * OFFSET_MASK, lanes >> _REFCOUNT_IS_ONE & ones, ones, header, file_size, counts)


def _count_data(offsets: int, own: int, ones: int, header: Qcow2Header, file_size: int, counts: _Counts) -> None:
    """Count the entries that have an offset; `own` flags those that say to be the only ones with theirs."""
    if offsets == 0:
        return
    cluster_size = header.cluster_size_bytes
    present = _flag_at_least(offsets, 1, ones)
    counts.data += present.bit_count()
    counts.misaligned += _flag_at_least(offsets & ones * (cluster_size - 1), 1, ones).bit_count()
    if header.has_incompatible_feature(EXTERNAL_DATA_FILE):
        return
    # The last cluster of a file may have fewer than all subclusters: QEMU writes no more.
    needed = cluster_size // SUBCLUSTERS if header.has_incompatible_feature(EXTENDED_L2) else cluster_size
    counts.missing += _flag_at_least(offsets, file_size - needed + 1, ones).bit_count()
    entries = _entries_in(offsets)
    counts.end = max(counts.end, max(entries) + needed)
    if len(counts.owned) < _MOST_COMPARED:
        owned = offsets & _spread(own)
        _count_shared(entries if owned == offsets else _entries_in(owned), (present & own).bit_count(), counts)


def _count_shared(entries: array[int], owners: int, counts: _Counts) -> None:
    """Count the entries, `owners` of them not zero, whose cluster another one had before."""
    before = len(counts.owned)
    counts.owned.update(entries)
    counts.owned.discard(0)
    counts.shared += owners - (len(counts.owned) - before)


def _count_compressed(descriptors: int, ones: int, header: Qcow2Header, file_size: int, counts: _Counts) -> None:
    offset_bits = 62 - (header.cluster_bits - 8)
    first_sectors = descriptors & ones * ((1 << offset_bits) - SECTOR_BYTES)
    additional = descriptors >> offset_bits & ones * ((1 << 62 - offset_bits) - 1)
    last_sectors = first_sectors + additional * SECTOR_BYTES
    counts.compressed += (descriptors >> 62 & ones).bit_count()
    counts.missing += _flag_at_least(last_sectors, file_size, ones).bit_count()
    counts.end = max(counts.end, _largest(last_sectors) + 1)


@lru_cache(maxsize=16)
def _lanes_of(value: int, count: int) -> int:
    return int.from_bytes(value.to_bytes(8, "big") * count, "big")


def _spread(flags: int) -> int:
    """All bits in the lanes that are flagged."""
    return flags * (_LANE - 1)


def _flag_at_least(lanes: int, least: int, ones: int) -> int:
    """Flags the lanes that hold at least that much, and more than 0; by a carry into a bit that none of them uses."""
    return lanes + ones * ((1 << _CARRY) - max(1, least)) >> _CARRY & ones


def _largest(lanes: int) -> int:
    return max(_entries_in(lanes), default=0)


def _entries_in(lanes: int) -> array[int]:
    return to_entries(lanes.to_bytes(-(-lanes.bit_length() // 64) * 8, "big"))
