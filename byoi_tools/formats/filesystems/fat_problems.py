"""Says in words where the boot sector of a FAT volume contradicts itself, its FAT or its partition."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.formats.filesystems.fat_boot_sector import (
    FAT12_MAX_CLUSTERS,
    FAT16_MAX_CLUSTERS,
    SECTOR_SIZES,
    FatLayout,
)
from byoi_tools.formats.filesystems.fat_table import FatTable
from byoi_tools.formats.source import ByteSource


def find_geometry_problems(
    source: ByteSource, layout: FatLayout, table: FatTable, partition_size_bytes: int
) -> tuple[str, ...]:
    """Return a sentence for each contradiction; none for a sound volume.

    Source: FAT: On-Disk Format 1.03. Two are matters of firmware: EDK2 (FatPkg/EnhancedFatDxe/Init.c) mounts no volume
    without a jump at its start, and one that is laid out as FAT32 with too few clusters "may be unreadable by UEFI"
    (ArchWiki, "EFI system partition").
    """
    return (
        *_boot_sector_problems(layout),
        *_size_problems(layout, partition_size_bytes),
        *(_fat32_problems(source, layout) if layout.fat_bits == 32 else _root_problems(layout)),
        *_table_problems(layout, table),
    )


def _boot_sector_problems(layout: FatLayout) -> Iterator[str]:
    if layout.boot_sector[0] not in (0xE9, 0xEB):
        yield f"the boot sector starts with {layout.boot_sector[0]:#04x} instead of a jump"
    if layout.boot_sector[510:] != b"\x55\xaa":
        yield "the boot sector lacks its 0x55AA signature"
    if layout.bytes_per_sector not in SECTOR_SIZES:
        yield f"sectors have {layout.bytes_per_sector} bytes; 512, 1024, 2048 and 4096 are allowed"


def _size_problems(layout: FatLayout, partition_size_bytes: int) -> Iterator[str]:
    size = layout.total_sectors * layout.bytes_per_sector
    if size > partition_size_bytes:
        yield f"the volume has {size} bytes by its boot sector, the partition only {partition_size_bytes}"
    needed = -(-(layout.cluster_count + 2) * layout.fat_bits // 8)
    if layout.fat_size_bytes < needed:
        yield f"the FAT has {layout.fat_size_bytes} bytes, {needed} are needed for {layout.cluster_count} clusters"
    count = layout.cluster_count
    if layout.fat_bits == 32 and count <= FAT16_MAX_CLUSTERS:
        count_means = 12 if count <= FAT12_MAX_CLUSTERS else 16
        yield (
            f"laid out as FAT32 with {count} clusters, a number that means FAT{count_means} "
            f"(FAT32 starts at {FAT16_MAX_CLUSTERS + 1})"
        )
    if layout.fat_bits == 16 and count > FAT16_MAX_CLUSTERS:
        yield f"laid out as FAT16 with {count} clusters, a number that means FAT32"


def _root_problems(layout: FatLayout) -> Iterator[str]:
    if layout.root_entry_count == 0:
        yield "the root directory has no room for a single entry"
    elif layout.root_entry_count * 32 % layout.bytes_per_sector:
        yield f"the root directory of {layout.root_entry_count} entries does not fill whole sectors"


def _fat32_problems(source: ByteSource, layout: FatLayout) -> Iterator[str]:
    if layout.root_entry_count:
        yield f"a FAT32 volume has no fixed root directory, this one claims {layout.root_entry_count} entries"
    if layout.version:
        yield f"the version of the FAT32 volume is {layout.version:#06x}; drivers know version 0 only"
    if not layout.is_cluster(layout.root_cluster):
        yield f"the root directory is said to start in cluster {layout.root_cluster}, which does not exist"
    backup = layout.backup_boot_sector
    if backup in (0, 0xFFFF):
        return
    if backup >= layout.reserved_sectors:
        yield f"the backup boot sector is sector {backup}, outside the {layout.reserved_sectors} reserved ones"
    elif source.read_at(backup * layout.bytes_per_sector, 512)[11:64] != layout.boot_sector[11:64]:
        yield f"the backup boot sector (sector {backup}) describes another volume than the boot sector"


def _table_problems(layout: FatLayout, table: FatTable) -> Iterator[str]:
    stored = table.media_entry & 0xFF
    if stored != layout.media:
        yield f"the FAT starts with the media byte {stored:#04x}, the boot sector has {layout.media:#04x}"
