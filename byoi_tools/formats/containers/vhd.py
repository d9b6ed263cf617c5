"""Judges VHD files before QEMU sees them (Microsoft, Virtual Hard Disk Image Format Specification 1.0): self-contained.

A differencing disk names its parent, which QEMU does not read: the result would have holes.
"""

from __future__ import annotations

import struct

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.block_table import largest_entry
from byoi_tools.formats.source import ByteSource, read_exactly

_FOOTER_BYTES, _HEADER_BYTES, _SECTOR_BYTES = 512, 1024, 512
_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4
_UNUSED_BLOCK = 0xFFFFFFFF
_LARGEST_BYTES = 2040 << 30  # as Windows and QEMU have it


def judge_vhd(source: ByteSource) -> None:
    """Return when the file alone holds the whole disk.

    Raises `ImageUnsafe` for a differencing disk, `ImageMalformed` when it is damaged or cut off.
    """
    footer = read_exactly(source, source.size_bytes - _FOOTER_BYTES, _FOOTER_BYTES, "VHD footer")
    if footer[:8] != b"conectix":
        raise _malformed("it has no footer: its end is missing")
    _require_checksum(footer, 64, "footer")
    header_offset, size_bytes, kind = (
        struct.unpack_from(">Q", footer, 16)[0],
        struct.unpack_from(">Q", footer, 48)[0],
        struct.unpack_from(">I", footer, 60)[0],
    )
    if kind == _DIFFERENCING:
        raise _unsafe("it is a differencing disk")
    if kind not in (_FIXED, _DYNAMIC):
        raise _malformed(f"its disk type is {kind}")
    if not 0 < size_bytes <= _LARGEST_BYTES:
        raise _malformed(f"it says that its disk has {size_bytes} bytes")
    if kind == _DYNAMIC:
        _judge_dynamic(source, header_offset, size_bytes)
    elif size_bytes > source.size_bytes - _FOOTER_BYTES:
        raise _malformed(f"its disk has {size_bytes} bytes, and the file only {source.size_bytes}")


def _judge_dynamic(source: ByteSource, offset: int, size_bytes: int) -> None:
    header = read_exactly(source, offset, _HEADER_BYTES, "VHD header")
    if header[:8] != b"cxsparse":
        raise _malformed("it has no dynamic disk header")
    _require_checksum(header, 36, "dynamic disk header")
    table_offset, _, entries, block_bytes = struct.unpack_from(">QIII", header, 16)
    if any(header[40:56]) or any(header[576:768]):
        raise _unsafe("it names a parent disk")
    if block_bytes < _SECTOR_BYTES or block_bytes & (block_bytes - 1) or entries * block_bytes < size_bytes:
        raise _malformed(f"{entries} blocks of {block_bytes} bytes are no disk of {size_bytes} bytes")
    entries = min(entries, -(-size_bytes // block_bytes))
    last = largest_entry(source, table_offset, entries, ">I", lambda entry: -1 if entry == _UNUSED_BLOCK else entry)
    bitmap_bytes = -(-block_bytes // _SECTOR_BYTES // 8 // _SECTOR_BYTES) * _SECTOR_BYTES
    if last >= 0 and last * _SECTOR_BYTES + bitmap_bytes + block_bytes > source.size_bytes:
        raise _malformed(f"a block at byte {last * _SECTOR_BYTES} ends beyond the end of the file")


def _require_checksum(structure: bytes, offset: int, what: str) -> None:
    """The one's complement of the sum of all bytes but those of the sum itself."""
    (stated,) = struct.unpack_from(">I", structure, offset)
    total = sum(structure) - sum(structure[offset : offset + 4])
    if stated != ~total & 0xFFFFFFFF:
        raise _malformed(f"the check sum of its {what} is wrong")


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed("the VHD is damaged or cut off", details=why, remedy="Export or download the disk again.")


def _unsafe(why: str) -> ImageUnsafe:
    return ImageUnsafe(
        "the VHD needs another disk beside it",
        details=why,
        remedy="Merge it with its parent first (Hyper-V: Merge-VHD), and export the result.",
    )
