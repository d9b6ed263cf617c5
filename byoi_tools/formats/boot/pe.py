"""Reads the headers of a PE image, the form of EFI programs (Microsoft, PE Format; UEFI 2.10, section 2.1.1)."""

from __future__ import annotations

import struct

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.source import ByteSource, Window, read_exactly
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.pe import PeImage, PeSection

MAX_SECTIONS = 96
"""The limit of the Windows loader ("PE Format", COFF file header)."""
_CERTIFICATES = 4
_COFF = struct.Struct("<HH4xIIH2x")
_SYMBOL_BYTES = 18
_MAGIC_PE32 = 0x010B
_MAGIC_PE32_PLUS = 0x020B


@dataclass(frozen=True, slots=True)
class _OptionalHeader:
    """What counts of it; `certificates` is the place and size of data directory 4, in the file."""

    is_64_bit: bool
    subsystem: int
    headers_size_bytes: int
    certificates: tuple[int, int]


def read_pe(source: ByteSource) -> PeImage:
    """Return the headers of a PE32 or PE32+ image.

    Raises `ImageMalformed` with the reason when the source is none. What the headers promise beyond the end of the
    source is no error: compare `required_bytes` with the size of the file.
    """
    if source.read_at(0, 2) != b"MZ":
        raise _malformed("it does not start with MZ")
    start = int.from_bytes(read_exactly(source, 0x3C, 4, "DOS header of the EFI program"), "little")
    coff = source.read_at(start, 4 + _COFF.size)
    if coff[:4] != b"PE\0\0" or len(coff) < 4 + _COFF.size:
        raise _malformed(f"there is no PE signature at offset {start}, where the DOS header says it is")
    machine, section_count, symbols, symbol_count, optional_size = _COFF.unpack_from(coff, 4)
    if not 0 < section_count <= MAX_SECTIONS:
        raise _malformed(f"it claims {section_count} sections; 1 to {MAX_SECTIONS} are allowed")
    optional = _read_optional_header(source, start + 24, optional_size)
    strings = Window(source, symbols + symbol_count * _SYMBOL_BYTES, source.size_bytes)
    sections = _read_sections(source, start + 24 + optional_size, section_count, strings)
    ends = [section.offset + section.size_bytes for section in sections if section.size_bytes]
    return PeImage(
        machine=machine,
        subsystem=optional.subsystem,
        is_64_bit=optional.is_64_bit,
        sections=sections,
        certificates_size_bytes=optional.certificates[1],
        required_bytes=max(optional.headers_size_bytes, sum(optional.certificates), *ends),
        certificates_offset=optional.certificates[0],
    )


def _read_optional_header(source: ByteSource, offset: int, size: int) -> _OptionalHeader:
    header = read_exactly(source, offset, size, "optional header of the EFI program")
    magic = int.from_bytes(header[:2], "little")
    if magic not in (_MAGIC_PE32, _MAGIC_PE32_PLUS):
        raise _malformed(f"the magic of its optional header is {magic:#06x}, neither PE32 nor PE32+")
    is_64_bit = magic == _MAGIC_PE32_PLUS
    directories = 112 if is_64_bit else 96
    if size < directories:
        raise _malformed(f"its optional header has only {size} bytes")
    headers_size, subsystem = struct.unpack_from("<I4xH", header, 60)
    count = int.from_bytes(header[directories - 4 : directories], "little")
    place = directories + 8 * _CERTIFICATES
    has_certificates = count > _CERTIFICATES and size >= place + 8
    offset, length = struct.unpack_from("<II", header, place) if has_certificates else (0, 0)
    return _OptionalHeader(is_64_bit, subsystem, headers_size, (offset, length) if offset and length else (0, 0))


def _read_sections(source: ByteSource, offset: int, count: int, strings: ByteSource) -> tuple[PeSection, ...]:
    """The section table; a name like `/14` lies at that offset of the string table, after the COFF symbols."""
    table = read_exactly(source, offset, 40 * count, "section table of the EFI program")
    sections = []
    for start in range(0, len(table), 40):
        name, virtual_size, raw_size, raw_offset = struct.unpack_from("<8sI4xII", table, start)
        if name[:1] == b"/" and name[1:].rstrip(b"\0").isdigit():
            name = strings.read_at(int(name[1:].rstrip(b"\0")), 64).partition(b"\0")[0] or name
        text = name.rstrip(b"\0").decode("ascii", "replace")
        sections.append(PeSection(text, raw_offset, raw_size, virtual_size))
    return tuple(sections)


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed(
        "this is no EFI program",
        details=why,
        remedy="Copy the loader into the EFI system partition again; it must be a PE image for UEFI.",
    )
