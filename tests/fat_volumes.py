"""FAT volumes for tests, and entries and chains in them, byte by byte from the specification."""

from __future__ import annotations

import struct
from pathlib import Path

from byoi_tools.formats.filesystems.fat_boot_sector import FatLayout
from tests.disk_images import MIB, empty, run

DATA12 = 33 * 512
"""Where cluster 2 lies on a floppy of 1440 KiB: 1 boot sector, 2 FATs of 9, 14 sectors of root directory."""
ROOT12 = 19 * 512


def make_floppy(folder: Path) -> bytes:
    """A FAT12 volume of 512-byte clusters with EFI/BOOT/FILE.TXT of three clusters (4, 5 and 6)."""
    path = empty(folder / "volume", 1440 * 1024)
    run("mformat", "-f", "1440", "-i", path, "::")
    (folder / "file").write_bytes(b"abc" * 400)
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-i", path, folder / "file", "::/EFI/BOOT/FILE.TXT")
    return path.read_bytes()


def make_fat32(folder: Path) -> bytes:
    """An empty FAT32 volume of 512-byte clusters and 32 reserved sectors."""
    path = empty(folder / "volume", 34 * MIB)
    run("mkfs.fat", "-F", "32", "-s", "1", "-n", "EFI", path)
    return path.read_bytes()


def slot(name: bytes, attributes: int = 0, cluster: int = 0, size: int = 0, flags: int = 0) -> bytes:
    """A directory entry as the specification has it."""
    return struct.pack("<11sBB13xHI", name.ljust(11), attributes, flags, cluster, size)


def long_slots(name: str, short: bytes, checksum: int | None = None) -> bytes:
    """The slots of a long name in front of an entry with a short one."""
    if checksum is None:
        checksum = 0
        for byte in short.ljust(11):
            checksum = (((checksum & 1) << 7) + (checksum >> 1) + byte) & 0xFF
    units = name.encode("utf-16-le") + b"\0\0"
    parts = [units[start : start + 26].ljust(26, b"\xff") for start in range(0, len(units), 26)]
    slots = [
        struct.pack("<B10sBBB12sH4s", number, part[:10], 0x0F, 0, checksum, part[10:22], 0, part[22:])
        for number, part in enumerate(parts, start=1)
    ]
    slots[-1] = bytes([slots[-1][0] | 0x40]) + slots[-1][1:]
    return b"".join(reversed(slots))


def fat12_entry(content: bytes, cluster: int, value: int) -> bytes:
    """Both FATs with another value for an even cluster."""
    changed = bytearray(content)
    for start in (512, 10 * 512):
        place = start + cluster * 3 // 2
        changed[place] = value & 0xFF
        changed[place + 1] = changed[place + 1] & 0xF0 | value >> 8
    return bytes(changed)


def make_layout(fat_bits: int, cluster_count: int) -> FatLayout:
    """The parameters of a volume with one reserved sector, one FAT behind it, and clusters of 512 bytes."""
    fat_sectors = -(-(cluster_count + 2) * fat_bits // (8 * 512))
    return FatLayout(
        boot_sector=bytes(512),
        fat_bits=fat_bits,
        bytes_per_sector=512,
        sectors_per_cluster=1,
        reserved_sectors=1,
        fat_count=1,
        root_entry_count=16,
        total_sectors=1 + fat_sectors + 1 + cluster_count,
        media=0xF8,
        fat_size_sectors=fat_sectors,
        root_cluster=0,
        active_fat=0,
        version=0,
        backup_boot_sector=0,
        volume_id=0,
        label="",
        is_marked_dirty=False,
    )
