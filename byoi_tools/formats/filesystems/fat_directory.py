"""Decodes the directories of a FAT volume (FAT: On-Disk Format 1.03, "Directory Structure" and "Long File Names")."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from byoi_tools.formats.filesystems.fat_boot_sector import FatLayout
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.dataclass import dataclass

_ENTRY_BYTES = 32
_END = 0x00
_DELETED = 0xE5
_LONG_NAME = 0x0F
_VOLUME_ID = 0x08
_DIRECTORY = 0x10
_LABEL_SEARCH_BYTES = 512 * _ENTRY_BYTES
_FORBIDDEN = re.compile('[\0-\x1f\x7f-\x9f"*/:<>?\\\\|]')


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A file or directory: its long name, or its short one where it has no valid long name.

    Characters that FAT forbids in names (control characters, `" * / : < > ? \\ |`) are replaced by U+FFFD, so a name
    never contains a separator.
    """

    name: str
    is_directory: bool
    size_bytes: int
    first_cluster: int


def decode_directory(content: bytes, fat_bits: int) -> Iterator[DirectoryEntry]:
    """Yield the live entries, without `.`, `..`, volume labels and deleted ones, up to the end mark.

    Only FAT32 has the high half of the first cluster; elsewhere those bytes mean something else (OS/2 attributes).
    """
    parts: list[bytes] = []
    for entry in _slots(content):
        attributes = entry[11]
        if attributes & 0x3F == _LONG_NAME and entry[0] != _DELETED:
            parts.append(entry)
            continue
        is_live = entry[0] != _DELETED and not attributes & _VOLUME_ID
        if is_live and entry[:11].rstrip() not in (b".", b".."):
            yield _decode_entry(entry, parts, fat_bits)
        parts = []


def read_root_label(source: ByteSource, layout: FatLayout) -> str:
    """Return the volume label in the root directory, or an empty string.

    It is looked for among the first 512 entries, as many as FAT16 usually has, and in FAT32 in the first cluster.
    """
    if layout.fat_bits != 32:
        start, size = layout.root_start_bytes, layout.root_size_bytes
    elif layout.is_cluster(layout.root_cluster):
        start, size = layout.cluster_start_bytes(layout.root_cluster), layout.cluster_size_bytes
    else:
        return ""
    for entry in _slots(source.read_at(start, min(size, _LABEL_SEARCH_BYTES))):
        is_label = entry[11] & 0x3F != _LONG_NAME and entry[11] & (_VOLUME_ID | _DIRECTORY) == _VOLUME_ID
        if entry[0] != _DELETED and is_label:
            return _clean(_decode_oem(entry[:11]).rstrip())
    return ""


def is_ended(content: bytes) -> bool:
    """Whether one of the entries is the end mark."""
    return _END in content[::_ENTRY_BYTES]


def _slots(content: bytes) -> Iterator[bytes]:
    for offset in range(0, len(content) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        if content[offset] == _END:
            return
        yield content[offset : offset + _ENTRY_BYTES]


def _decode_entry(entry: bytes, parts: list[bytes], fat_bits: int) -> DirectoryEntry:
    high, low, size = struct.unpack_from("<H4xHI", entry, 20)
    return DirectoryEntry(
        name=_long_name(parts, entry[:11]) or _short_name(entry),
        is_directory=bool(entry[11] & _DIRECTORY),
        size_bytes=size,
        first_cluster=high << 16 | low if fat_bits == 32 else low,
    )


def _short_name(entry: bytes) -> str:
    """The 8.3 name; bits 3 and 4 of byte 12 make base and extension lower case, as Windows NT and Linux do."""
    base = _decode_oem(entry[:8]).rstrip()
    extension = _decode_oem(entry[8:11]).rstrip()
    base = base.lower() if entry[12] & 0x08 else base
    extension = extension.lower() if entry[12] & 0x10 else extension
    return _clean(f"{base}.{extension}" if extension else base)


def _decode_oem(name: bytes) -> str:
    """Bytes of a short name; 0x05 stands for a leading 0xE5. No code page is stored: 437 is what drivers assume."""
    return (b"\xe5" + name[1:] if name[:1] == b"\x05" else name).decode("cp437")


def _long_name(parts: list[bytes], short: bytes) -> str:
    """The long name in the slots before an entry, or an empty string where they are not wholly of this entry.

    The slots come last part first, are numbered down to 1 and carry the checksum of the short name.
    """
    checksum = _checksum(short)
    for index, part in enumerate(parts):
        number = len(parts) - index
        wanted = number | 0x40 if index == 0 else number
        if part[0] != wanted or part[13] != checksum:
            return ""
    units = b"".join(part[1:11] + part[14:26] + part[28:32] for part in reversed(parts))
    name = units.decode("utf-16-le", "replace").partition("\0")[0]
    return "" if name in (".", "..") else _clean(name)


def _checksum(short: bytes) -> int:
    total = 0
    for byte in short:
        total = ((total >> 1) + ((total & 1) << 7) + byte) & 0xFF
    return total


def _clean(name: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", name)
