"""Reads both copies of a GUID partition table (UEFI specification 2.10, section 5.3)."""

from __future__ import annotations

import struct
import uuid
import zlib

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.partition_table import Gpt, GptCopy, GptEntry
from byoi_tools.model.disks.sectors import SectorRange

SECTOR_SIZES = (512, 4096)
MAX_ENTRIES_BYTES = 1024 * 1024
_SIGNATURE = b"EFI PART"
_HEADER = struct.Struct("<8sIIII QQQQ 16s QIII")
_NO_TYPE = bytes(16)


def read_gpt(source: ByteSource, sector_size_bytes: int) -> Gpt | None:
    """Return the copies of the table that have the signature, or None when neither has.

    The backup lies where a valid primary says, else in the last sector of the source. Where the primary is absent
    or invalid the last sector is looked at first, as firmware does. Damage is never an error: the copies say what is
    stored and what the CRCs really are.
    """
    primary = _read_copy(source, 1, sector_size_bytes)
    places = [source.size_bytes // sector_size_bytes - 1]
    if primary is not None:
        places.insert(0 if primary.is_header_valid else 1, primary.alternate_lba)
    copies = (_read_copy(source, lba, sector_size_bytes) for lba in places if lba > 1)
    backup = next((copy for copy in copies if copy is not None), None)
    if primary is None and backup is None:
        return None
    return Gpt(sector_size_bytes, primary, backup)


def find_sector_size(source: ByteSource) -> int:
    """Return the size of the sectors that the GPT was written for, 512 where there is no GPT.

    A header whose CRC and own LBA are right decides before one that merely has the signature, LBA 1 before the
    last sector.
    """
    found = []
    for size in SECTOR_SIZES:
        for rank, lba in enumerate((1, source.size_bytes // size - 1)):
            copy = _read_copy(source, lba, size)
            if copy is not None:
                found.append((not copy.is_header_valid, rank, size))
    return min(found)[2] if found else 512


def _read_copy(source: ByteSource, lba: int, sector_size_bytes: int) -> GptCopy | None:
    """The header in one sector and its entries, or None where there is no signature."""
    header = source.read_at(lba * sector_size_bytes, sector_size_bytes) if lba > 0 else b""
    if len(header) != sector_size_bytes or not header.startswith(_SIGNATURE):
        return None
    (_, revision, size, crc, _, my_lba, alternate, first, last, guid, entries_lba, count, entry_size, entries_crc) = (
        _HEADER.unpack_from(header)
    )
    array = _read_array(source, entries_lba * sector_size_bytes, count, entry_size)
    return GptCopy(
        lba=lba,
        revision=revision,
        header_size_bytes=size,
        stored_crc32=crc,
        computed_crc32=_header_crc32(header, size),
        my_lba=my_lba,
        alternate_lba=alternate,
        first_usable_lba=first,
        last_usable_lba=last,
        disk_guid=_guid(guid),
        entries_lba=entries_lba,
        entry_count=count,
        entry_size_bytes=entry_size,
        stored_entries_crc32=entries_crc,
        computed_entries_crc32=None if array is None else zlib.crc32(array),
        entries=() if array is None else _read_entries(array, entry_size, sector_size_bytes),
    )


def _header_crc32(header: bytes, size: int) -> int | None:
    """The CRC over `size` bytes with the CRC's own field taken as zero, or None where no header has that size."""
    if not _HEADER.size <= size <= len(header):
        return None
    return zlib.crc32(header[:16] + bytes(4) + header[20:size])


def _read_array(source: ByteSource, offset: int, count: int, entry_size: int) -> bytes | None:
    """The stored entries, or None where they are absurd or not wholly there."""
    if entry_size < 128 or entry_size % 8 or count * entry_size > MAX_ENTRIES_BYTES:
        return None
    array = source.read_at(offset, count * entry_size)
    return array if len(array) == count * entry_size else None


def _read_entries(array: bytes, entry_size: int, sector_size_bytes: int) -> tuple[GptEntry, ...]:
    """The used entries: those whose type is not the zero GUID."""
    entries = []
    for offset in range(0, len(array), entry_size):
        type_guid, guid, first, last, attributes = struct.unpack_from("<16s16sQQQ", array, offset)
        if type_guid != _NO_TYPE:
            name = array[offset + 56 : offset + 128].decode("utf-16-le", "replace").partition("\0")[0]
            sectors = SectorRange(first, last, sector_size_bytes)
            number = offset // entry_size + 1
            entries.append(GptEntry(number, _guid(type_guid), _guid(guid), sectors, attributes, name))
    return tuple(entries)


def _guid(content: bytes) -> str:
    """A GUID as people write it: the first three fields are stored little-endian."""
    return str(uuid.UUID(bytes_le=content)).upper()
