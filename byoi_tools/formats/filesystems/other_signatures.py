"""Recognises the file systems of Windows, of the BSDs and Solaris, and of optical media; offsets from libblkid."""

from __future__ import annotations

import struct

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.filesystems.fat_boot_sector import read_fat_layout
from byoi_tools.formats.filesystems.fat_directory import read_root_label
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.disk import FileSystemSignature

_NTFS_VOLUME_RECORD = 3
_NTFS_VOLUME_NAME = 0x60
_EXFAT_LABEL = 0x83
_ISO_SECTOR = 2048
_ZFS_UBERBLOCK_MAGIC = 0x00BAB10C


def read_fat(source: ByteSource) -> FileSystemSignature | None:
    """FAT12, FAT16 or FAT32: a boot sector that a driver would take; the label is that of the root directory."""
    if source.read_at(510, 2) != b"\x55\xaa":
        return None
    try:
        layout = read_fat_layout(source)
    except ImageMalformed:
        return None
    return FileSystemSignature("vfat", _serial(layout.volume_id), read_root_label(source, layout))


def read_ntfs(source: ByteSource) -> FileSystemSignature | None:
    """NTFS; the label is in the third record of the master file table."""
    block = source.read_at(0, 80)
    if len(block) < 80 or block[3:11] != b"NTFS    ":
        return None
    serial = int.from_bytes(block[72:80], "little")
    return FileSystemSignature("ntfs", f"{serial:016X}", _ntfs_label(source, block))


def _ntfs_label(source: ByteSource, block: bytes) -> str:
    """The value of the attribute $VOLUME_NAME, or an empty string where it is not found."""
    sector_size, per_cluster = struct.unpack_from("<HB", block, 11)
    table_cluster, clusters_per_record = struct.unpack_from("<Q8xb", block, 48)
    cluster_size = sector_size * (per_cluster if per_cluster <= 128 else 1 << min(31, 256 - per_cluster))
    record_size = clusters_per_record * cluster_size if clusters_per_record > 0 else 1 << min(31, -clusters_per_record)
    if record_size > 65536:
        return ""
    record = source.read_at(table_cluster * cluster_size + _NTFS_VOLUME_RECORD * record_size, record_size)
    offset = int.from_bytes(record[20:22], "little")
    while record[:4] == b"FILE" and offset + 24 <= len(record):
        kind, size = struct.unpack_from("<II", record, offset)
        if kind == _NTFS_VOLUME_NAME:
            length, start = struct.unpack_from("<IH", record, offset + 16)
            return record[offset + start : offset + start + length].decode("utf-16-le", "replace")
        if size == 0 or kind > _NTFS_VOLUME_NAME:
            break
        offset += size
    return ""


def read_exfat(source: ByteSource) -> FileSystemSignature | None:
    """The exFAT file system; the label is in the first cluster of the root directory."""
    block = source.read_at(0, 112)
    if len(block) < 112 or block[3:11] != b"EXFAT   ":
        return None
    heap, _, root, serial = struct.unpack_from("<IIII", block, 88)
    sector_shift, cluster_shift = block[108], block[109]
    if sector_shift > 12 or cluster_shift > 25 or root < 2:
        return None
    place = (heap << sector_shift) + ((root - 2) << (sector_shift + cluster_shift))
    directory = source.read_at(place, 4096)
    labels = (directory[offset : offset + 32] for offset in range(0, len(directory), 32))
    label = next((entry for entry in labels if entry[0] == _EXFAT_LABEL), bytes(32))
    return FileSystemSignature(
        "exfat", _serial(serial), label[2 : 2 + 2 * min(11, label[1])].decode("utf-16-le", "replace")
    )


def read_iso9660(source: ByteSource) -> FileSystemSignature | None:
    """ISO 9660, without a Joliet label; the UUID is the date of modification or creation, as blkid has it."""
    block = source.read_at(16 * _ISO_SECTOR, _ISO_SECTOR)
    if len(block) < _ISO_SECTOR or block[:6] != b"\x01CD001":
        return None
    dates = (block[830:847], block[813:830])
    date = next((date for date in dates if date[:16].strip(b"0\0")), b"").decode("ascii", "replace")
    parts = (date[0:4], date[4:6], date[6:8], date[8:10], date[10:12], date[12:14], date[14:16])
    return FileSystemSignature(
        "iso9660", "-".join(parts) if date else "", block[40:72].decode("ascii", "replace").strip()
    )


def read_zfs(source: ByteSource) -> FileSystemSignature | None:
    """A member of a ZFS pool: uberblocks in the second half of the first label; pool name and id are not read."""
    array = source.read_at(128 * 1024, 128 * 1024)
    magics = (_ZFS_UBERBLOCK_MAGIC.to_bytes(8, "little"), _ZFS_UBERBLOCK_MAGIC.to_bytes(8, "big"))
    found = sum(array[offset : offset + 8] in magics for offset in range(0, len(array), 1024))
    return FileSystemSignature("zfs_member", "", "") if found >= 4 else None


def read_ufs(source: ByteSource) -> FileSystemSignature | None:
    """UFS2 of FreeBSD (superblock at 64 KiB)."""
    block = source.read_at(65536, 1376)
    if len(block) < 1376 or block[1372:] != b"\x19\x01\x54\x19":
        return None
    first, second = struct.unpack_from("<II", block, 144)
    label = block[680:712].partition(b"\0")[0].decode("utf-8", "replace")
    return FileSystemSignature("ufs", f"{first:08x}{second:08x}" if first or second else "", label)


def _serial(number: int) -> str:
    """A volume serial number as blkid prints it; empty for zero."""
    return f"{number >> 16:04X}-{number & 0xFFFF:04X}" if number else ""
