"""Reads who signed an EFI program for Secure Boot, and its SBAT generations; verifies nothing.

Sources: Microsoft, PE Format, "The Attribute Certificate Table"; Windows Authenticode Portable Executable Signature
Format; RFC 2315 (PKCS #7 SignedData); X.690 (DER); shim's SBAT.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.pe import PeImage

MAXIMUM_CERTIFICATES = 8
MAXIMUM_TABLE_BYTES = 256 * 1024
MAXIMUM_COMPONENTS = 32
_PKCS7 = 2
_SEQUENCE, _SET, _EXPLICIT = 0x30, 0x31, 0xA0
_COMMON_NAME = bytes.fromhex("0603550403")
_ORGANISATION = bytes.fromhex("060355040a")


def read_issuers(source: ByteSource, pe: PeImage) -> tuple[str, ...]:
    """Return the common name of each signature's issuer; `unknown issuer` for one that cannot be read.

    Empty for a program without signatures.
    """
    table = source.read_at(pe.certificates_offset, min(pe.certificates_size_bytes, MAXIMUM_TABLE_BYTES))
    issuers: list[str] = []
    place = 0
    while place + 8 <= len(table) and len(issuers) < MAXIMUM_CERTIFICATES:
        length = int.from_bytes(table[place : place + 4], "little")
        kind = int.from_bytes(table[place + 6 : place + 8], "little")
        if length < 8:
            break
        if kind == _PKCS7:
            issuers.append(_issuer(table[place + 8 : place + length]) or "unknown issuer")
        place += -(-length // 8) * 8
    return tuple(issuers)


def read_sbat(section: bytes) -> tuple[tuple[str, int], ...]:
    """Return name and generation of each component in an SBAT section, which is a CSV; wrong lines are left out."""
    rows = [line.split(",") for line in section.partition(b"\0")[0].decode("utf-8", "replace").split("\n")]
    return tuple(
        (row[0], int(row[1]))
        for row in rows
        if len(row) > 1 and row[1].isascii() and row[1].isdigit() and len(row[1]) < 8
    )[:MAXIMUM_COMPONENTS]


def _issuer(signed: bytes) -> str:
    """The issuer named by the first signer info: the CA whose certificate the firmware must have."""
    content = _child(_child(signed, _SEQUENCE), _EXPLICIT)
    data = _child(content, _SEQUENCE)
    infos = [value for tag, value in _elements(data) if tag == _SET]
    info = _child(infos[-1], _SEQUENCE) if len(infos) > 1 else b""
    serial = _child(info, _SEQUENCE)
    return _name(_child(serial, _SEQUENCE))


def _name(name: bytes) -> str:
    """The common name of a distinguished name, else its organisation."""
    for attribute in (_COMMON_NAME, _ORGANISATION):
        for _, relative in _elements(name):
            pair = _child(relative, _SEQUENCE)
            if pair.startswith(attribute):
                for tag, value in _elements(pair[len(attribute) :]):
                    return value.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")
    return ""


def _child(content: bytes, tag: int) -> bytes:
    """The value of the first element with a tag; empty where there is none."""
    return next((value for found, value in _elements(content) if found == tag), b"")


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and value of each DER element; ends where it is none."""
    place = 0
    while place + 2 <= len(content):
        tag, length = content[place], content[place + 1]
        place += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(content[place : place + count], "big") if 0 < count <= 4 else len(content)
            place += count
        if place + length > len(content):
            return
        yield tag, content[place : place + length]
        place += length
