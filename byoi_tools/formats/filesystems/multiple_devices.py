"""Tells of how many devices a file system or array is made (Linux: fs/btrfs, include/uapi/linux/raid/md_p.h)."""

from __future__ import annotations

import struct

from byoi_tools.formats.source import ByteSource

_BTRFS_SUPERBLOCK, _BTRFS_DEVICES_OFFSET = 0x10000, 0x88
_RAID_MAGIC = b"\xfc\x4e\x2b\xa9\x01\0\0\0"
_MOST = 4096
_LEVELS_OF_COPIES = (1, 10)


def read_device_count(source: ByteSource, name: str) -> int:
    """Return how many devices belong together, this one included; 1 for what knows no others. Never raises for content.

    `name` is what `blkid` calls the signature. A mirror counts as one device: it runs without its copies.
    """
    if name == "btrfs":
        devices = source.read_at(_BTRFS_SUPERBLOCK + _BTRFS_DEVICES_OFFSET, 8)
        return _sane(int.from_bytes(devices, "little"))
    return _sane(_raid_devices(source)) if name == "linux_raid_member" else 1


def _raid_devices(source: ByteSource) -> int:
    """The devices of an array, by its version 1 superblock."""
    end_place = (source.size_bytes // 512 - 16) // 8 * 8 * 512
    for place in (end_place, 0, 4096):
        block = source.read_at(place, 256)
        if len(block) == 256 and block.startswith(_RAID_MAGIC):
            level, _layout, _size, _chunk, devices = struct.unpack_from("<iIQII", block, 72)
            return 1 if level in _LEVELS_OF_COPIES else devices
    return 1


def _sane(count: int) -> int:
    return count if 1 <= count <= _MOST else 1
