"""Reads the superblock of XFS (XFS Algorithms & Data Structures, 3rd edition, chapter "Allocation Groups")."""

from __future__ import annotations

import struct

from byoi_tools.formats.filesystems.xfs_log import read_log_problem
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.guest.superblock import Superblock

_SIZE = 512
_IN_PROGRESS_OFFSET = 126
_VERSION_MASK = 0xF
_NEEDS_REPAIR = 0x10
_COMPATIBLE: dict[int, str] = {}
_READ_ONLY = {0x1: "finobt", 0x2: "rmapbt", 0x4: "reflink", 0x8: "inobtcount"}
_INCOMPATIBLE = {
    0x1: "ftype",
    0x2: "sparse",
    0x4: "meta_uuid",
    0x8: "bigtime",
    _NEEDS_REPAIR: "needsrepair",
    0x20: "nrext64",
    0x40: "exchange",
    0x80: "parent",
    0x100: "metadir",
}


def read_xfs_superblock(source: ByteSource) -> Superblock | None:
    """Return what the superblock says, or None where there is none; never raises for content."""
    block = source.read_at(0, _SIZE)
    if len(block) < _SIZE or not block.startswith(b"XFSB"):
        return None
    block_size, blocks = struct.unpack_from(">IQ", block, 4)
    (free_blocks,) = struct.unpack_from(">Q", block, 144)
    is_version_5 = struct.unpack_from(">H", block, 100)[0] & _VERSION_MASK == 5
    read_only, incompatible = struct.unpack_from(">2I", block, 212) if is_version_5 else (0, 0)
    problems = (
        (block[_IN_PROGRESS_OFFSET], "its mkfs.xfs did not end"),
        (incompatible & _NEEDS_REPAIR, "it is marked as needing xfs_repair"),
        (log := read_log_problem(source, block), log),
    )
    return Superblock(
        size_bytes=blocks * block_size,
        block_size_bytes=block_size,
        free_bytes=free_blocks * block_size,
        free_inodes=None,
        problems=tuple(str(text) for is_so, text in problems if is_so),
        features=(*_names(read_only, _READ_ONLY, "read-only"), *_names(incompatible, _INCOMPATIBLE, "incompatible")),
    )


def _names(bits: int, names: dict[int, str], kind: str) -> tuple[str, ...]:
    return tuple(names.get(1 << bit, f"{kind} feature {bit}") for bit in range(32) if bits >> bit & 1)
