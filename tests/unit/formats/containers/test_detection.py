from __future__ import annotations

import pytest

from byoi_tools.formats.containers.detection import detect_formats, image_format, is_ambiguous
from byoi_tools.formats.source import Memory
from byoi_tools.model.image import FormatMatch, ImageFormat
from tests.qcow2_images import Recipe

BOOT_SIGNATURE = (510, b"\x55\xaa")
ISO = (32769, b"CD001")
TAR = (257, b"ustar\x0000")
FOOTER = (65536 - 512, b"conectix")
QCOW2 = (0, b"QFI\xfb\0\0\0\3")
VDI = (64, b"\x7f\x10\xda\xbe")


def build(*parts: tuple[int, bytes]) -> Memory:
    """A file of 64 KiB of zeros with these bytes in it."""
    content = bytearray(65536)
    for offset, data in parts:
        content[offset : offset + len(data)] = data
    return Memory(bytes(content))


@pytest.mark.parametrize(
    ("parts", "counts", "all_formats"),
    [
        ((), ImageFormat.RAW, ()),
        ((BOOT_SIGNATURE,), ImageFormat.RAW, ("RAW",)),
        ((QCOW2,), ImageFormat.QCOW2, ("QCOW2",)),
        (((0, b"QFI\xfb\0\0\0\1"),), ImageFormat.QCOW1, ("QCOW1",)),
        (((0, b"QFI\xfb\0\0\0\0"),), ImageFormat.QCOW2, ("QCOW2",)),
        ((ISO,), ImageFormat.ISO9660, ("ISO9660",)),
        ((ISO, BOOT_SIGNATURE), ImageFormat.RAW, ("RAW", "ISO9660")),
        ((TAR,), ImageFormat.TAR, ("TAR",)),
        ((FOOTER,), ImageFormat.VHD, ("VHD",)),
        ((FOOTER, BOOT_SIGNATURE), ImageFormat.VHD, ("VHD", "RAW")),
        (((0, b"conectix"), FOOTER), ImageFormat.VHD, ("VHD",)),
        ((VDI,), ImageFormat.VDI, ("VDI",)),
        (((0, b"KDMV"),), ImageFormat.VMDK, ("VMDK",)),
        (((0, b"COWD"),), ImageFormat.VMDK, ("VMDK",)),
        (((0, b"# Disk DescriptorFile\nversion=1\n"),), ImageFormat.VMDK, ("VMDK",)),
        (((0, b"#x\n\n  \r\nversion=3\r\n"),), ImageFormat.VMDK, ("VMDK",)),
        (((0, b"#x\nname=1\nversion=1\n"),), ImageFormat.RAW, ()),
        (((0, b"version=4\n"),), ImageFormat.RAW, ()),
        (((0, b"7z\xbc\xaf\x27\x1c"),), ImageFormat.SEVEN_ZIP, ("SEVEN_ZIP",)),
        (((0, b"\x04\x22\x4d\x18"),), ImageFormat.LZ4, ("LZ4",)),
        (((0, b"\x02\x21\x4c\x18"),), ImageFormat.LZ4, ("LZ4",)),
        (((0, b"BZh91AY&SY"),), ImageFormat.BZIP2, ("BZIP2",)),
        (((0, b"BZh is no magic"),), ImageFormat.RAW, ()),
    ],
)
def test_the_format_that_counts(
    parts: tuple[tuple[int, bytes], ...], counts: ImageFormat, all_formats: tuple[str, ...]
) -> None:
    matches = detect_formats(build(*parts))
    assert tuple(match.format.name for match in matches) == all_formats
    assert image_format(matches) is counts


@pytest.mark.parametrize("parts", [(QCOW2, ISO), (QCOW2, TAR), (QCOW2, FOOTER), (QCOW2, VDI), (QCOW2, BOOT_SIGNATURE)])
def test_qcow2_wins_over_whatever_else_matches_and_the_file_is_ambiguous(parts: tuple[tuple[int, bytes], ...]) -> None:
    matches = detect_formats(build(*parts))
    assert image_format(matches) is ImageFormat.QCOW2
    assert is_ambiguous(matches)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), False),
        ((QCOW2,), False),
        ((BOOT_SIGNATURE,), False),
        ((ISO,), False),
        ((ISO, BOOT_SIGNATURE), False),
        ((FOOTER, BOOT_SIGNATURE), False),
        ((FOOTER, BOOT_SIGNATURE, ISO), False),
        (((0, b"conectix"), FOOTER), False),
        (((0, b"conectix"), BOOT_SIGNATURE), True),
        ((FOOTER, TAR), True),
        ((TAR, BOOT_SIGNATURE), True),
        ((TAR, ISO), True),
        (((0, b"LUKS\xba\xbe"), BOOT_SIGNATURE), True),
        (((0, b"KDMV"), VDI), True),
    ],
)
def test_ambiguity(parts: tuple[tuple[int, bytes], ...], expected: bool) -> None:
    assert is_ambiguous(detect_formats(build(*parts))) is expected


def test_a_match_says_where() -> None:
    assert detect_formats(build(FOOTER, BOOT_SIGNATURE)) == (
        FormatMatch(ImageFormat.VHD, 65024, 8),
        FormatMatch(ImageFormat.RAW, 510, 2),
    )
    assert detect_formats(Memory(Recipe().build())) == (FormatMatch(ImageFormat.QCOW2, 0, 4),)


@pytest.mark.parametrize("length", range(0, 600, 7))
def test_files_of_any_length_are_answered(length: int) -> None:
    assert image_format(detect_formats(Memory(build(QCOW2, VDI).content[:length]))) in (
        (ImageFormat.QCOW2,) if length >= 4 else (ImageFormat.RAW,)
    )
