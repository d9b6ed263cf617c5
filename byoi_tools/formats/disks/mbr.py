"""Reads the master boot record and its chain of logical partitions (UEFI specification 2.10, section 5.2)."""

from __future__ import annotations

import struct
from itertools import pairwise

from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.disks.partition_table import Mbr, MbrEntry
from byoi_tools.model.disks.sectors import SectorRange

MAX_LOGICALS = 128
_TABLE_OFFSET = 446
_SIGNATURE = b"\x55\xaa"


def read_mbr(source: ByteSource, sector_size_bytes: int) -> Mbr:
    """Return LBA 0 as it is stored, whatever it holds.

    A slot counts as used when its type or its size is not zero. The extended chain is followed only where the sector
    has its 0x55AA and is plausible (see `_is_plausible`). Raises `ImageMalformed` when there is no full first sector.
    """
    sector = read_exactly(source, 0, sector_size_bytes, "first sector of the disk")
    entries = _read_entries(sector, sector_size_bytes)
    has_signature = sector[510:512] == _SIGNATURE
    is_plausible = _is_plausible(sector, entries, source.size_bytes)
    logicals: tuple[MbrEntry, ...] = ()
    problem = ""
    if has_signature and is_plausible:
        logicals, problem = _read_logicals(source, entries, sector_size_bytes)
    return Mbr(
        boot_code=sector[:440],
        disk_signature=int.from_bytes(sector[440:444], "little"),
        has_signature=has_signature,
        entries=entries,
        logicals=logicals,
        chain_problem=problem,
        is_plausible=is_plausible,
    )


def _read_entries(sector: bytes, sector_size_bytes: int, base_lba: int = 0) -> tuple[MbrEntry, ...]:
    """The used ones of the four slots of a sector; their starts count from `base_lba`."""
    entries = []
    for slot in range(4):
        status, type_byte, start, count = struct.unpack_from("<B3xB3xII", sector, _TABLE_OFFSET + 16 * slot)
        if type_byte or count:
            first = base_lba + start
            entries.append(
                MbrEntry(slot + 1, status, type_byte, SectorRange(first, first + count - 1, sector_size_bytes))
            )
    return tuple(entries)


def _read_logicals(
    source: ByteSource, primaries: tuple[MbrEntry, ...], sector_size_bytes: int
) -> tuple[tuple[MbrEntry, ...], str]:
    """The logical partitions in the order of the chain, and why the chain broke off, or an empty string.

    The rules are those of the Linux kernel (block/partitions/msdos.c): a logical partition counts from its own EBR, the
    link to the next EBR counts from the start of the extended partition, and only the first link of an EBR counts.
    """
    logicals: list[MbrEntry] = []
    for extended in primaries:
        if not extended.is_extended or not extended.sectors.count:
            continue
        problem = _follow_chain(source, extended.sectors.first_lba, sector_size_bytes, logicals)
        if problem:
            return tuple(logicals), problem
    return tuple(logicals), ""


def _follow_chain(source: ByteSource, base_lba: int, sector_size_bytes: int, logicals: list[MbrEntry]) -> str:
    """Append the partitions of one chain to `logicals`; say why it broke off, or return an empty string."""
    seen: set[int] = set()
    lba = base_lba
    while True:
        if lba in seen:
            return f"the chain of logical partitions returns to sector {lba}"
        if len(seen) == MAX_LOGICALS:
            return f"the chain of logical partitions has more than {MAX_LOGICALS} links"
        seen.add(lba)
        sector = source.read_at(lba * sector_size_bytes, 512)
        if len(sector) != 512:
            return f"the chain of logical partitions leads to sector {lba}, which is beyond the end of the disk"
        if sector[510:] != _SIGNATURE:
            return f"sector {lba} of the chain of logical partitions lacks its 0x55AA signature"
        entries = [entry for entry in _read_entries(sector, sector_size_bytes, lba)[:2] if entry.sectors.count]
        for entry in entries:
            if not entry.is_extended:
                logicals.append(MbrEntry(5 + len(logicals), entry.status_byte, entry.type_byte, entry.sectors))
        links = [entry for entry in entries if entry.is_extended]
        if not links:
            return ""
        lba = base_lba + links[0].sectors.first_lba - lba


def _is_plausible(sector: bytes, entries: tuple[MbrEntry, ...], size_bytes: int) -> bool:
    """Whether the four slots can be a partition table.

    Two rules. All four status bytes are 0x00 or 0x80 (Linux kernel, block/partitions/msdos.c, and libblkid, dos.c).
    And the sector is not the boot sector of a FAT, NTFS or exFAT volume (libblkid, dos.c), unless its slots describe
    sound partitions: GRUB keeps the parameter block of a former volume when it installs itself.
    """
    statuses = {sector[_TABLE_OFFSET + 16 * slot] for slot in range(4)}
    if not statuses <= {0x00, 0x80}:
        return False
    return not _is_boot_sector(sector) or _are_sound(entries, size_bytes)


def _is_boot_sector(sector: bytes) -> bool:
    """Whether a volume starts here: a jump, and a BIOS parameter block whose values are all possible."""
    if sector[0] not in (0xE9, 0xEB):
        return False
    if sector[3:11] in (b"NTFS    ", b"EXFAT   "):
        return True
    bytes_per_sector, per_cluster, reserved, fats = struct.unpack_from("<HBHB", sector, 11)
    return (
        bytes_per_sector in (512, 1024, 2048, 4096)
        and per_cluster.bit_count() == 1
        and reserved > 0
        and fats in (1, 2)
        and (sector[21] == 0xF0 or sector[21] >= 0xF8)
    )


def _are_sound(entries: tuple[MbrEntry, ...], size_bytes: int) -> bool:
    """Whether there are partitions, none of them covers LBA 0, ends after the disk or overlaps another."""
    ranges = sorted(entry.sectors for entry in entries)
    are_inside = all(r.count and r.first_lba > 0 and r.end_bytes <= size_bytes for r in ranges)
    are_apart = all(not one.is_overlapping(two) for one, two in pairwise(ranges))
    return bool(ranges) and are_inside and are_apart
