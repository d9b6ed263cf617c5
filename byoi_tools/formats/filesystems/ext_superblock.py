"""Reads the superblock of ext2, ext3 and ext4 (Linux: Documentation/filesystems/ext4/super.rst)."""

from __future__ import annotations

import struct

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.guest.superblock import Superblock

_START, _SIZE = 1024, 1024
_CLEAN, _ERRORS = 0x1, 0x2
_COMPATIBLE = {
    0x1: "dir_prealloc",
    0x4: "has_journal",
    0x8: "ext_attr",
    0x10: "resize_inode",
    0x20: "dir_index",
    0x200: "sparse_super2",
    0x400: "fast_commit",
    0x800: "stable_inodes",
    0x1000: "orphan_file",
}
_INCOMPATIBLE = {
    0x1: "compression",
    0x2: "filetype",
    0x4: "needs_recovery",
    0x8: "journal_dev",
    0x10: "meta_bg",
    0x40: "extent",
    0x80: "64bit",
    0x100: "mmp",
    0x200: "flex_bg",
    0x400: "ea_inode",
    0x1000: "dirdata",
    0x2000: "metadata_csum_seed",
    0x4000: "large_dir",
    0x8000: "inline_data",
    0x10000: "encrypt",
    0x20000: "casefold",
}
_READ_ONLY = {
    0x1: "sparse_super",
    0x2: "large_file",
    0x8: "huge_file",
    0x10: "uninit_bg",
    0x20: "dir_nlink",
    0x40: "extra_isize",
    0x100: "quota",
    0x200: "bigalloc",
    0x400: "metadata_csum",
    0x1000: "read-only",
    0x2000: "project",
    0x4000: "shared_blocks",
    0x8000: "verity",
    0x10000: "orphan_present",
}
_64BIT = 0x80


def read_ext_superblock(source: ByteSource) -> Superblock | None:
    """Return what the superblock says, or None where there is none; never raises for content."""
    block = source.read_at(_START, _SIZE)
    if len(block) < _SIZE or block[56:58] != b"\x53\xef":
        return None
    (log_block_size,) = struct.unpack_from("<I", block, 24)
    state, (compatible, incompatible, read_only) = (
        *struct.unpack_from("<H", block, 58),
        struct.unpack_from("<3I", block, 92),
    )
    block_size = 1024 << min(log_block_size, 6)
    return Superblock(
        size_bytes=_wide(block, 4, 0x150, incompatible) * block_size,
        block_size_bytes=block_size,
        free_bytes=_wide(block, 12, 0x158, incompatible) * block_size,
        free_inodes=int.from_bytes(block[16:20], "little"),
        problems=_problems(state, incompatible, read_only),
        features=(
            *_names(compatible, _COMPATIBLE, "C"),
            *_names(incompatible, _INCOMPATIBLE, "I"),
            *_names(read_only, _READ_ONLY, "R"),
        ),
    )


def _wide(block: bytes, low: int, high: int, incompatible: int) -> int:
    """A count whose upper half lies elsewhere, and counts only with the 64bit feature."""
    number = int.from_bytes(block[low : low + 4], "little")
    return number | (int.from_bytes(block[high : high + 4], "little") << 32 if incompatible & _64BIT else 0)


def _problems(state: int, incompatible: int, read_only: int) -> tuple[str, ...]:
    found = (
        (not state & _CLEAN, "it is not marked clean"),
        (state & _ERRORS, "the kernel found errors in it"),
        (incompatible & 0x4, "its journal holds changes that are not written yet"),
        (read_only & 0x10000, "files that were deleted while open are not cleaned up"),
    )
    return tuple(text for is_so, text in found if is_so)


def _names(bits: int, names: dict[int, str], letter: str) -> tuple[str, ...]:
    """The features that are set; unknown ones as e2fsprogs writes them (`FEATURE_I17`)."""
    return tuple(names.get(1 << bit, f"FEATURE_{letter}{bit}") for bit in range(32) if bits >> bit & 1)
