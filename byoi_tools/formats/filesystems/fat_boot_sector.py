"""Reads the boot sector of a FAT volume (Microsoft, FAT: General Overview of On-Disk Format, 1.03, "Boot Sector")."""

from __future__ import annotations

import struct
from dataclasses import replace

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.dataclass import dataclass

FAT12_MAX_CLUSTERS = 4084
FAT16_MAX_CLUSTERS = 65524
SECTOR_SIZES = (512, 1024, 2048, 4096)


@dataclass(frozen=True, slots=True)
class FatLayout:
    """The parameter block, decoded and good enough to find everything: no value of it leads to a division by zero.

    `fat_bits` is 32 for a volume that is laid out as FAT32 (its 16-bit FAT size is zero), else 12 or 16 by the number
    of clusters: the rule of Linux and EDK2. `active_fat` is the FAT in use; `root_cluster` is 0 except in FAT32.
    """

    boot_sector: bytes
    fat_bits: int
    bytes_per_sector: int
    sectors_per_cluster: int
    reserved_sectors: int
    fat_count: int
    root_entry_count: int
    total_sectors: int
    media: int
    fat_size_sectors: int
    root_cluster: int
    active_fat: int
    version: int
    backup_boot_sector: int
    volume_id: int
    label: str
    is_marked_dirty: bool

    @property
    def cluster_size_bytes(self) -> int:
        """The size of a cluster."""
        return self.bytes_per_sector * self.sectors_per_cluster

    @property
    def fat_size_bytes(self) -> int:
        """The size of one FAT."""
        return self.fat_size_sectors * self.bytes_per_sector

    @property
    def root_size_bytes(self) -> int:
        """The size of the fixed root directory, rounded up to sectors; 0 in a FAT32 volume."""
        return -(-self.root_entry_count * 32 // self.bytes_per_sector) * self.bytes_per_sector

    @property
    def root_start_bytes(self) -> int:
        """Where the fixed root directory starts."""
        return self.fat_start_bytes(self.fat_count)

    @property
    def data_start_bytes(self) -> int:
        """Where cluster 2 starts."""
        return self.root_start_bytes + self.root_size_bytes

    @property
    def cluster_count(self) -> int:
        """How many clusters there are; the last one has this number plus 1."""
        return (self.total_sectors * self.bytes_per_sector - self.data_start_bytes) // self.cluster_size_bytes

    def fat_start_bytes(self, number: int) -> int:
        """Where the copy of the FAT with that number (from 0) starts."""
        return self.reserved_sectors * self.bytes_per_sector + number * self.fat_size_bytes

    def is_cluster(self, number: int) -> bool:
        """Whether a data cluster has that number."""
        return 2 <= number <= self.cluster_count + 1

    def cluster_start_bytes(self, number: int) -> int:
        """Where a data cluster starts."""
        return self.data_start_bytes + (number - 2) * self.cluster_size_bytes


def read_fat_layout(source: ByteSource) -> FatLayout:
    """Return the layout of the volume; raises `ImageMalformed` when no driver could take it for FAT.

    The conditions are those of Linux (fs/fat/inode.c, fat_read_bpb): sector and cluster sizes are powers of two, there
    are reserved sectors and clusters, the media byte is 0xF0 or at least 0xF8. One or two FATs, as in fsck.fat.
    """
    sector = read_exactly(source, 0, 512, "boot sector of the FAT volume")
    (per_sector, per_cluster, reserved, fats, roots, total16, media, size16, total32) = struct.unpack_from(
        "<HBHBHHBH8xI", sector, 11
    )
    size32, flags, version, root_cluster, backup = struct.unpack_from("<IHHI2xH", sector, 36)
    is_fat32 = size16 == 0
    _refuse_unless(per_sector in (128, 256, *SECTOR_SIZES), f"its sectors have {per_sector} bytes")
    _refuse_unless(per_cluster.bit_count() == 1, f"its clusters have {per_cluster} sectors")
    _refuse_unless(reserved > 0, "it has no reserved sectors")
    _refuse_unless(fats in (1, 2), f"it has {fats} FATs")
    _refuse_unless(media == 0xF0 or media >= 0xF8, f"its media byte is {media:#04x}")
    _refuse_unless(bool(size16 or size32), "the size of its FATs is zero")
    extension = 64 if is_fat32 else 36
    layout = FatLayout(
        boot_sector=sector,
        fat_bits=32 if is_fat32 else 16,
        bytes_per_sector=per_sector,
        sectors_per_cluster=per_cluster,
        reserved_sectors=reserved,
        fat_count=fats,
        root_entry_count=roots,
        total_sectors=total16 or total32,
        media=media,
        fat_size_sectors=size16 or size32,
        root_cluster=root_cluster if is_fat32 else 0,
        active_fat=flags & 0x0F if is_fat32 and flags & 0x80 else 0,
        version=version if is_fat32 else 0,
        backup_boot_sector=backup if is_fat32 else 0,
        volume_id=int.from_bytes(sector[extension + 3 : extension + 7], "little"),
        label=_label(sector, extension),
        is_marked_dirty=bool(sector[extension + 1] & 1),
    )
    _refuse_unless(layout.cluster_count > 0, "it has no room for a single cluster")
    _refuse_unless(layout.active_fat < fats, f"FAT {layout.active_fat} is in use, of {fats}")
    if not is_fat32 and layout.cluster_count <= FAT12_MAX_CLUSTERS:
        return replace(layout, fat_bits=12)
    return layout


def _refuse_unless(is_fat: bool, why_not: str) -> None:
    if not is_fat:
        raise ImageMalformed(
            "this is no FAT volume",
            details=f"by its boot sector, {why_not}",
            remedy="Format it with mkfs.fat (mkfs.fat -F 32 for an EFI system partition).",
        )


def _label(sector: bytes, extension: int) -> str:
    """The label in the boot sector, there only with the extended boot signature 0x29; empty for `NO NAME`."""
    if sector[extension + 2] != 0x29:
        return ""
    label = sector[extension + 7 : extension + 18].decode("cp437").rstrip(" \0")
    return "" if label == "NO NAME" else label
