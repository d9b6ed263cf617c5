"""Makes small EFI programs for tests, byte by byte from the PE specification."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def pe_image(
    sections: Mapping[str, bytes],
    *,
    machine: int = 0x8664,
    subsystem: int = 10,
    is_64_bit: bool = True,
    certificate: bytes = b"",
    stub: bytes = b"",
) -> bytes:
    """A PE image with these sections; names of more than eight characters go to the string table.

    `stub` lies between the DOS header and the PE header, from offset 0x40 on.
    """
    start = -(-(0x40 + len(stub)) // 8) * 8
    optional = _optional_header(subsystem, is_64_bit)
    header_size = -(-(start + 24 + len(optional) + 40 * len(sections)) // 512) * 512
    strings = b""
    table = b""
    body = b""
    for name, content in sections.items():
        short = name.encode() if len(name) <= 8 else f"/{4 + len(strings)}".encode()
        strings += b"" if len(name) <= 8 else name.encode() + b"\0"
        offset = header_size + len(body)
        padded = content.ljust(-(-len(content) // 512) * 512, b"\0")
        table += struct.pack("<8sIIII12xI", short, len(content), 0x1000 + offset, len(padded), offset, 0x40000040)
        body += padded
    end = header_size + len(body)
    coff = struct.pack("<HHIIIHH", machine, len(sections), 0, end if strings else 0, 0, len(optional), 0x0206)
    tail = (4 + len(strings)).to_bytes(4, "little") + strings if strings else b""
    if certificate:
        tail = tail.ljust(-(-len(tail) // 8) * 8, b"\0")
        place = 144 if is_64_bit else 128
        entry = struct.pack("<II", end + len(tail), len(certificate))
        optional = optional[:place] + entry + optional[place + 8 :]
    dos = b"MZ".ljust(0x3C, b"\0") + start.to_bytes(4, "little") + stub
    head = dos.ljust(start, b"\0") + b"PE\0\0" + coff + optional + table
    return head.ljust(header_size, b"\0") + body + tail + certificate


def _optional_header(subsystem: int, is_64_bit: bool) -> bytes:
    """With sixteen data directories; SizeOfHeaders is 512."""
    start = struct.pack("<H58xIIH", 0x020B if is_64_bit else 0x010B, 512, 0, subsystem)
    size = 112 if is_64_bit else 96
    return start.ljust(size - 4, b"\0") + struct.pack("<I", 16) + bytes(128)
