"""Judges VHDX files before QEMU sees them ([MS-VHDX], sections 2.2 to 2.6): self-contained, and closed properly."""

from __future__ import annotations

import struct
from functools import cache
from uuid import UUID

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.block_table import largest_entry
from byoi_tools.formats.source import ByteSource, Window, read_exactly

_HEADERS = (64 << 10, 128 << 10)
_HEADER_BYTES = 4 << 10
_REGIONS_OFFSET, _REGIONS_BYTES = 192 << 10, 64 << 10
_METADATA_TABLE_BYTES = 64 << 10
_MOST_ENTRIES = 2047
_BAT = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
_METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_FILE_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_PARENT_LOCATOR = UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_HAS_PARENT = 2
_PRESENT_STATES = (6, 7)
_MIB = 1 << 20


def judge_vhdx(source: ByteSource) -> None:
    """Return when the file alone holds the whole disk, and its log is empty.

    Raises `ImageUnsafe` for a differencing disk, `ImageMalformed` when it is damaged, cut off, or was not closed.
    """
    if any(_current_header(source)[48:64]):
        raise _malformed("its log is not empty: it was not closed properly")
    regions = _read_entries(source, _REGIONS_OFFSET, _REGIONS_BYTES, b"regi", 8, 16)
    metadata_offset, metadata_bytes = struct.unpack_from("<QI", _find(regions, _METADATA, "metadata region"))
    table_offset, table_bytes = struct.unpack_from("<QI", _find(regions, _BAT, "block allocation table"))
    metadata = Window(source, metadata_offset, metadata_bytes)
    items = _read_entries(metadata, 0, _METADATA_TABLE_BYTES, b"metadata", 10, 32)
    (item_offset,) = struct.unpack_from("<I", _find(items, _FILE_PARAMETERS, "file parameters"))
    parameters = read_exactly(metadata, item_offset, 8, "VHDX file parameters")
    block_bytes, flags = struct.unpack("<II", parameters)
    if flags & _HAS_PARENT or _PARENT_LOCATOR in items:
        raise ImageUnsafe(
            "the VHDX needs another disk beside it",
            details="it is a differencing disk",
            remedy="Merge it with its parent first (Hyper-V: Merge-VHD), and export the result.",
        )
    last = largest_entry(source, table_offset, table_bytes // 8, "<Q", _place_of)
    if last >= 0 and last + block_bytes > source.size_bytes:
        raise _malformed(f"a block at byte {last} ends beyond the end of the file")


def _place_of(entry: int) -> int:
    """The offset of a block, in bytes; -1 for one that has none."""
    return entry & -_MIB if entry & 7 in _PRESENT_STATES else -1


def _current_header(source: ByteSource) -> bytes:
    """The valid header with the larger sequence number."""
    headers = [read_exactly(source, offset, _HEADER_BYTES, "VHDX header") for offset in _HEADERS]
    valid = [header for header in headers if header[:4] == b"head" and _has_checksum(header)]
    if not valid:
        raise _malformed("it has no valid header")
    return max(valid, key=lambda header: header[15:7:-1])  # a little-endian number, most significant byte first


def _has_checksum(header: bytes) -> bool:
    (stated,) = struct.unpack_from("<I", header, 4)
    return bool(stated == _crc32c(header[:4] + bytes(4) + header[8:]))


def _read_entries(
    source: ByteSource, offset: int, length: int, signature: bytes, count_offset: int, first: int
) -> dict[UUID, bytes]:
    """The entries of a table of 32 bytes each: what comes after the GUID, by the GUID."""
    table = read_exactly(source, offset, length, "VHDX table")
    count = int.from_bytes(table[count_offset : count_offset + 2], "little")
    if not table.startswith(signature) or count > _MOST_ENTRIES - 1 + (first == 16):
        raise _malformed(f"there is no table at byte {offset}")
    entries = (table[start : start + 32] for start in range(first, first + 32 * count, 32))
    return {UUID(bytes_le=entry[:16]): entry[16:] for entry in entries}


def _find(entries: dict[UUID, bytes], wanted: UUID, what: str) -> bytes:
    if wanted not in entries:
        raise _malformed(f"it has no {what}")
    return entries[wanted]


@cache
def _crc32c_table() -> tuple[int, ...]:
    """CRC-32C (RFC 3720, appendix B.4), a byte at a time."""
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return tuple(table)


def _crc32c(content: bytes) -> int:
    table, remainder = _crc32c_table(), 0xFFFFFFFF
    for byte in content:
        remainder = remainder >> 8 ^ table[(remainder ^ byte) & 0xFF]
    return remainder ^ 0xFFFFFFFF


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed("the VHDX is damaged or cut off", details=why, remedy="Export or download the disk again.")
