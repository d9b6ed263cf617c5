"""Reads the file allocation tables of a FAT volume and follows cluster chains (FAT: On-Disk Format 1.03, "FAT")."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.filesystems.fat_boot_sector import FatLayout
from byoi_tools.formats.source import ByteSource, read_exactly

MAX_FAT_BYTES = 32 * 1024 * 1024
"""Eight million clusters: far more than an EFI system partition has."""
_CHUNK_BYTES = 1024 * 1024
_LARGEST_BLOCK = 1 << 16
_CLEAN_BIT = {16: 0x8000, 32: 0x0800_0000}

_FIRST_END = {12: 0xFF8, 16: 0xFFF8, 32: 0x0FFF_FFF8}


class FatTable:
    """The FAT in use, in memory: entry 0 to the last cluster's, the four high bits of FAT32 entries cleared.

    Raises `ImageUnsafe` for a FAT of more than `MAX_FAT_BYTES`, `ImageMalformed` when the volume ends inside it.
    """

    def __init__(self, source: ByteSource, layout: FatLayout) -> None:
        self._layout = layout
        bits = layout.fat_bits
        entry_count = min(layout.cluster_count + 2, layout.fat_size_bytes * 8 // bits)
        size = -(-entry_count * bits // 8)
        if size > MAX_FAT_BYTES:
            raise ImageUnsafe(
                "the file allocation table of the FAT volume is too large to be read",
                details=f"it has {size} bytes, the limit is {MAX_FAT_BYTES}",
                remedy="Make the volume smaller, or its clusters larger (mkfs.fat -s).",
            )
        stored = read_exactly(source, layout.fat_start_bytes(layout.active_fat), size, "FAT of the volume")
        self._entries = _decode(stored, bits, entry_count)

    @property
    def media_entry(self) -> int:
        """Entry 0, whose low byte repeats the media byte of the boot sector."""
        return self._entries[0] if self._entries else 0

    @property
    def is_marked_dirty(self) -> bool:
        """Whether entry 1 lacks the bit for "cleanly unmounted"; FAT12 has no such bit."""
        clean_bit = _CLEAN_BIT.get(self._layout.fat_bits, 0)
        return len(self._entries) > 1 and clean_bit != 0 and not self._entries[1] & clean_bit

    @property
    def free_cluster_count(self) -> int:
        """How many clusters have an entry of zero."""
        return self._entries.count(0) - self._entries[:2].count(0)

    def chain(self, first: int) -> Iterator[int]:
        """Yield the clusters of the chain that starts with `first`, one by one, so that the caller can stop early.

        Raises `ImageMalformed` when it leads to a free, bad or absent cluster or comes back to itself.
        """
        seen: set[int] = set()
        cluster = first
        while True:
            if not 2 <= cluster < len(self._entries):
                raise _broken(f"cluster {cluster} does not exist")
            if cluster in seen:
                raise _broken(f"it comes back to cluster {cluster}")
            seen.add(cluster)
            yield cluster
            cluster = self._entries[cluster]
            if cluster >= _FIRST_END[self._layout.fat_bits]:
                return

    def runs(self, first: int, limit: int) -> Iterator[tuple[int, int]]:
        """Yield (first cluster, count) of each run of neighbours among the first `limit` clusters of a chain.

        Raises what `chain` raises.
        """
        seen = bytearray(len(self._entries))
        cluster = first
        while limit > 0:
            if not 2 <= cluster < len(self._entries):
                raise _broken(f"cluster {cluster} does not exist")
            count = self._count_in_order(cluster, limit)
            again = seen.find(1, cluster, cluster + count)
            if again >= 0:
                raise _broken(f"it comes back to cluster {again}")
            seen[cluster : cluster + count] = b"\1" * count
            yield cluster, count
            limit -= count
            cluster = self._entries[cluster + count - 1]
            if cluster >= _FIRST_END[self._layout.fat_bits]:
                return

    def _count_in_order(self, first: int, limit: int) -> int:
        """How many clusters follow each other from `first` on; compared in blocks, twice as many each time."""
        limit = min(limit, len(self._entries) - first)
        if self._entries[first] != first + 1:  # in a fragmented chain nearly always
            return 1
        count = block = 1
        while count < limit and block:
            wanted = min(block, limit - count)
            expected = array(self._entries.typecode, range(first + count, first + count + wanted))
            if self._entries[first + count - 1 : first + count - 1 + wanted] == expected:
                count += wanted
                block = min(2 * block, _LARGEST_BLOCK)
            else:
                block = wanted // 2
        return count


def are_fats_equal(source: ByteSource, layout: FatLayout) -> bool:
    """Whether all copies of the FAT have the same bytes; True where there is one, False where one is cut off.

    A FAT32 volume may say that its copies are not kept equal (active FAT): True then.
    """
    is_mirrored = layout.fat_bits != 32 or not layout.boot_sector[40] & 0x80
    return not is_mirrored or all(_is_same_fat(source, layout, number) for number in range(1, layout.fat_count))


def _is_same_fat(source: ByteSource, layout: FatLayout, number: int) -> bool:
    size = min(layout.fat_size_bytes, MAX_FAT_BYTES)
    for offset in range(0, size, _CHUNK_BYTES):
        length = min(_CHUNK_BYTES, size - offset)
        copy = source.read_at(layout.fat_start_bytes(number) + offset, length)
        if len(copy) != length or copy != source.read_at(layout.fat_start_bytes(0) + offset, length):
            return False
    return True


def _decode(stored: bytes, bits: int, entry_count: int) -> array[int]:
    if bits == 12:
        return array("H", (_entry12(stored, number) for number in range(entry_count)))
    entries = array("H" if bits == 16 else "I")
    for offset in range(0, len(stored), _CHUNK_BYTES):
        chunk = stored[offset : offset + _CHUNK_BYTES]
        entries.frombytes(chunk if bits == 16 else _clear_high_bits(chunk))
    if sys.byteorder == "big":
        entries.byteswap()
    return entries


def _entry12(stored: bytes, number: int) -> int:
    pair = int.from_bytes(stored[number * 3 // 2 : number * 3 // 2 + 2], "little")
    return pair >> 4 if number % 2 else pair & 0x0FFF


def _clear_high_bits(chunk: bytes) -> bytes:
    """The 32-bit entries of a chunk without their four reserved bits; one operation on one large number."""
    mask = int.from_bytes(b"\xff\xff\xff\x0f" * (len(chunk) // 4), "little")
    return (int.from_bytes(chunk, "little") & mask).to_bytes(len(chunk), "little")


def _broken(why: str) -> ImageMalformed:
    return ImageMalformed(
        "a cluster chain of the FAT volume is broken",
        details=why,
        remedy="Repair the volume with fsck.fat, or make it again.",
    )
