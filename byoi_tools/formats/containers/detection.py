"""Says what a file is by its content: every format whose signature is found, and the one that counts.

Names and suffixes are never looked at. The signatures are those of the formats' own specifications, as QEMU's probes
(block/*.c) and file(1) use them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from byoi_tools.formats.containers.qcow2_header import QCOW2_MAGIC
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.image import FormatMatch, ImageFormat

_HEAD_BYTES = 512
_FOOTER_BYTES = 512
_ISO9660_OFFSET = 32769  # ECMA-119, 8.1: the volume descriptors start at sector 16, the identifier at their byte 1

# In the order in which they count.
_SIGNATURES = (
    (ImageFormat.VMDK, 0, b"KDMV"),
    (ImageFormat.VMDK, 0, b"COWD"),
    (ImageFormat.VHDX, 0, b"vhdxfile"),
    (ImageFormat.VHD, 0, b"conectix"),
    (ImageFormat.QED, 0, b"QED\0"),
    (ImageFormat.LUKS, 0, b"LUKS\xba\xbe"),
    (ImageFormat.ZIP, 0, b"PK\x03\x04"),
    (ImageFormat.ZIP, 0, b"PK\x05\x06"),
    (ImageFormat.SEVEN_ZIP, 0, b"7z\xbc\xaf\x27\x1c"),
    (ImageFormat.GZIP, 0, b"\x1f\x8b\x08"),
    (ImageFormat.XZ, 0, b"\xfd7zXZ\0"),
    (ImageFormat.ZSTD, 0, b"\x28\xb5\x2f\xfd"),
    (ImageFormat.ZSTD, 0, b"\x50\x2a\x4d\x18\x04\0\0\0"),  # pzstd begins with a skippable frame of four bytes
    (ImageFormat.LZ4, 0, b"\x04\x22\x4d\x18"),
    (ImageFormat.LZ4, 0, b"\x02\x21\x4c\x18"),
    (ImageFormat.VDI, 64, b"\x7f\x10\xda\xbe"),
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
# The second form is what QEMU's vmdk_probe takes for a descriptor: comments and blank lines, then a version.
_VMDK_DESCRIPTOR = re.compile(rb"(?i)# *disk *descriptorfile|(?-i:(?:(?:#[^\n]*| *\r?)\n)*version=[123]\r?\n)")

_DISK_CONTENT = {ImageFormat.RAW, ImageFormat.ISO9660}


def detect_formats(source: ByteSource) -> tuple[FormatMatch, ...]:
    """Return the formats whose signatures were found, each once, the one that counts first; empty for none.

    `RAW` is found by the boot signature of LBA 0 (55 AA at byte 510), which a disk with an MBR or a GPT has. A VHD
    is reported at its header, or at its footer when it has no other (fixed VHD).
    """
    head = source.read_at(0, _HEAD_BYTES)
    found: dict[ImageFormat, FormatMatch] = {}
    for match in (*_match_qcow(head), *_match_head(head), *_match_further(source, head)):
        found.setdefault(match.format, match)
    return tuple(found.values())


def image_format(matches: tuple[FormatMatch, ...]) -> ImageFormat:
    """Return the format that counts: what qemu-img, thus the provider, would take the file for, and never less strict.

    `matches` is what `detect_formats` returned. In this order: a container or archive by its magic at the start of
    the file (qcow2 before all others); a fixed VHD by its footer; raw, when the boot signature of a disk is there,
    also under an ISO 9660 file system (a hybrid image is a disk); a plain ISO 9660 or tar file; raw for all else.
    QEMU itself takes archives, ISO files and fixed VHDs for raw, and a server could not boot them.
    """
    return matches[0].format if matches else ImageFormat.RAW


def is_ambiguous(matches: tuple[FormatMatch, ...]) -> bool:
    """Whether two programs may take the file for different things (a polyglot, or the remains of another format).

    So it is with two containers or archives in one file, and with a container or archive that also has the boot
    signature of a disk or an ISO 9660 file system at the place for it. Not ambiguous are, because they are made so on
    purpose: a disk with an ISO 9660 file system (a hybrid ISO image), and a fixed VHD, which is a raw disk (or ISO)
    and a footer.
    """
    containers = [match for match in matches if match.format not in _DISK_CONTENT]
    if len(containers) != 1:
        return len(containers) > 1
    is_fixed_vhd = containers[0].format is ImageFormat.VHD and containers[0].offset > 0
    return len(matches) > 1 and not is_fixed_vhd


def _match_qcow(head: bytes) -> Iterator[FormatMatch]:
    if head.startswith(QCOW2_MAGIC):
        version = struct.unpack_from(">I", head.ljust(8, b"\0"), 4)[0]
        yield FormatMatch(ImageFormat.QCOW1 if version == 1 else ImageFormat.QCOW2, 0, len(QCOW2_MAGIC))


def _match_head(head: bytes) -> Iterator[FormatMatch]:
    for image_format_, offset, magic in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            yield FormatMatch(image_format_, offset, len(magic))
    if bzip2 := _BZIP2.match(head):
        yield FormatMatch(ImageFormat.BZIP2, 0, bzip2.end())
    if descriptor := _VMDK_DESCRIPTOR.match(head):
        yield FormatMatch(ImageFormat.VMDK, 0, descriptor.end())


def _match_further(source: ByteSource, head: bytes) -> Iterator[FormatMatch]:
    footer = source.size_bytes - _FOOTER_BYTES
    if footer > 0 and source.read_at(footer, 8) == b"conectix":
        yield FormatMatch(ImageFormat.VHD, footer, 8)
    if head[510:512] == b"\x55\xaa":
        yield FormatMatch(ImageFormat.RAW, 510, 2)
    if source.read_at(_ISO9660_OFFSET, 5) == b"CD001":
        yield FormatMatch(ImageFormat.ISO9660, _ISO9660_OFFSET, 5)
    if head[257:262] == b"ustar":
        yield FormatMatch(ImageFormat.TAR, 257, 5)
