"""Recognises Linux file systems, swap and volume managers; offsets as in the kernel's and LVM's on-disk structures."""

from __future__ import annotations

import struct
import uuid
from itertools import pairwise

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.disk import FileSystemSignature

_EXT_COMPAT_JOURNAL = 0x0004
_EXT_INCOMPAT_JOURNAL_DEVICE = 0x0008
_EXT2_INCOMPAT = 0x0002 | 0x0010  # file types in directories, meta block groups
_EXT3_INCOMPAT = _EXT2_INCOMPAT | 0x0004  # the journal needs recovery
_EXT3_READ_ONLY_COMPAT = 0x0001 | 0x0002 | 0x0004  # sparse superblocks, large files, B-tree directories


def read_ext(source: ByteSource) -> FileSystemSignature | None:
    """ext2, ext3 or ext4, told apart by their feature flags as libblkid does (superblock at 1024)."""
    block = source.read_at(1024, 264)
    if len(block) < 264 or block[56:58] != b"\x53\xef":
        return None
    compat, incompat, read_only = struct.unpack_from("<III", block, 92)
    if incompat & _EXT_INCOMPAT_JOURNAL_DEVICE:
        name = "jbd"
    elif incompat & ~_EXT3_INCOMPAT or read_only & ~_EXT3_READ_ONLY_COMPAT:
        name = "ext4"
    elif compat & _EXT_COMPAT_JOURNAL:
        name = "ext3"
    else:
        name = "ext2"
    return FileSystemSignature(name, _uuid(block[104:120]), _text(block[120:136]))


def read_xfs(source: ByteSource) -> FileSystemSignature | None:
    """XFS (superblock at 0)."""
    block = source.read_at(0, 120)
    if len(block) < 120 or not block.startswith(b"XFSB"):
        return None
    return FileSystemSignature("xfs", _uuid(block[32:48]), _text(block[108:120]))


def read_btrfs(source: ByteSource) -> FileSystemSignature | None:
    """Btrfs (first superblock at 64 KiB)."""
    block = source.read_at(0x10000, 0x22B)
    if len(block) < 0x22B or block[0x40:0x48] != b"_BHRfS_M":
        return None
    return FileSystemSignature("btrfs", _uuid(block[0x20:0x30]), _text(block[0x12B:0x22B]))


def read_f2fs(source: ByteSource) -> FileSystemSignature | None:
    """F2FS (superblock at 1024)."""
    block = source.read_at(1024, 124 + 1024)
    if len(block) < 124 + 1024 or block[:4] != b"\x10\x20\xf5\xf2":
        return None
    label = block[124:].decode("utf-16-le", "replace").partition("\0")[0]
    return FileSystemSignature("f2fs", _uuid(block[108:124]), label)


def read_squashfs(source: ByteSource) -> FileSystemSignature | None:
    """SquashFS 4 (superblock at 0); it has neither UUID nor label."""
    block = source.read_at(0, 32)
    if len(block) < 32 or not block.startswith(b"hsqs") or block[28:30] != b"\x04\0":
        return None
    return FileSystemSignature("squashfs", "", "")


def read_swap(source: ByteSource) -> FileSystemSignature | None:
    """Swap space: the magic ends the first page, whatever its size; the header is at 1024."""
    for page_size in (4096, 8192, 16384, 32768, 65536):
        magic = source.read_at(page_size - 10, 10)
        if magic in (b"SWAPSPACE2", b"SWAP-SPACE"):
            header = source.read_at(1024, 44) if magic == b"SWAPSPACE2" else bytes(44)
            return FileSystemSignature("swap", _uuid(header[12:28]), _text(header[28:44]))
    return None


def read_luks(source: ByteSource) -> FileSystemSignature | None:
    """LUKS 1 and 2 (header at 0); only version 2 has a label."""
    block = source.read_at(0, 208)
    if len(block) < 208 or not block.startswith(b"LUKS\xba\xbe"):
        return None
    label = _text(block[24:72]) if block[6:8] == b"\0\x02" else ""
    return FileSystemSignature("crypto_LUKS", _text(block[168:208]), label)


def read_lvm(source: ByteSource) -> FileSystemSignature | None:
    """An LVM physical volume: the label is in one of the first four sectors and points to the header with the UUID."""
    for sector in range(4):
        label = source.read_at(sector * 512, 512)
        if label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001":
            offset = int.from_bytes(label[20:24], "little")
            raw = _text(label[offset : offset + 32])
            cuts = (0, 6, 10, 14, 18, 22, 26, 32)
            parts = [raw[start:end] for start, end in pairwise(cuts)]
            return FileSystemSignature("LVM2_member", "-".join(parts), "")
    return None


def read_raid(source: ByteSource) -> FileSystemSignature | None:
    """A member of an md array with version 1 metadata: near the end (1.0), at 0 (1.1) or at 4 KiB (1.2).

    Version 0.90 is not looked for: mdadm has not created it by default since 2009.
    """
    end_place = (source.size_bytes // 512 - 16) // 8 * 8 * 512
    for place in (end_place, 0, 4096):
        block = source.read_at(place, 256)
        is_member = block[:8] == b"\xfc\x4e\x2b\xa9\x01\0\0\0" and len(block) == 256
        if is_member and int.from_bytes(block[144:152], "little") == place // 512:
            return FileSystemSignature("linux_raid_member", _uuid(block[16:32]), _text(block[32:64]))
    return None


def _uuid(content: bytes) -> str:
    """A UUID as blkid prints it; empty where the format stores none (all zero)."""
    return str(uuid.UUID(bytes=content)) if any(content) else ""


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "replace").rstrip()
