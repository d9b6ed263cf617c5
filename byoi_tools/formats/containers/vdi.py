"""Judges VDI files before QEMU sees them (VirtualBox, VDICore.h, header 1.1): a whole disk, no snapshot of another."""

from __future__ import annotations

import struct

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.block_table import largest_entry
from byoi_tools.formats.source import ByteSource, read_exactly

_HEADER_BYTES = 512
_SIGNATURE = 0xBEDA107F
_VERSION = 0x00010001
_DYNAMIC, _STATIC = 1, 2
_KINDS = {3: "an undo image", 4: "a differencing image"}
_FIRST_UNUSED = 0xFFFFFFFE  # zero blocks, and blocks that were never written


def judge_vdi(source: ByteSource) -> None:
    """Return when the file alone holds the whole disk.

    Raises `ImageUnsafe` for a differencing image, `ImageMalformed` when it is damaged or cut off.
    """
    header = read_exactly(source, 0, _HEADER_BYTES, "VDI header")
    signature, version, _, kind = struct.unpack_from("<IIII", header, 64)
    map_offset, data_offset = struct.unpack_from("<II", header, 340)
    size_bytes, block_bytes, extra_bytes, blocks, _ = struct.unpack_from("<QIIII", header, 368)
    if signature != _SIGNATURE or version != _VERSION:
        raise _malformed(f"its signature is {signature:#x} and its version {version:#x}")
    if kind in _KINDS:
        raise _unsafe(f"it is {_KINDS[kind]}")
    if kind not in (_DYNAMIC, _STATIC):
        raise _malformed(f"its image type is {kind}")
    if any(header[424:456]):
        raise _unsafe("it is linked to a parent image")
    if not size_bytes or block_bytes < 512 or blocks * block_bytes < size_bytes:
        raise _malformed(f"{blocks} blocks of {block_bytes} bytes are no disk of {size_bytes} bytes")
    last = largest_entry(source, map_offset, blocks, "<I", lambda entry: -1 if entry >= _FIRST_UNUSED else entry)
    if data_offset + (last + 1) * (block_bytes + extra_bytes) > source.size_bytes and last >= 0:
        raise _malformed(f"block {last} ends beyond the end of the file")


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed("the VDI is damaged or cut off", details=why, remedy="Export or download the disk again.")


def _unsafe(why: str) -> ImageUnsafe:
    return ImageUnsafe(
        "the VDI needs another disk beside it",
        details=why,
        remedy="Delete or merge its snapshots first, or clone the disk: VBoxManage clonemedium SOURCE OUTPUT.vdi",
    )
