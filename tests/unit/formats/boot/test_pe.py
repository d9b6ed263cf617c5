"""The PE reader on headers that are cut off, contradict themselves or promise what is not there."""

from __future__ import annotations

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.pe import MAX_SECTIONS, read_pe
from byoi_tools.formats.source import Memory
from tests.disk_images import patched
from tests.pe_images import pe_image

IMAGE = pe_image({".text": b"code", ".data": bytes(600)})


def test_headers_are_read() -> None:
    pe = read_pe(Memory(IMAGE))

    assert (pe.machine, pe.subsystem, pe.is_64_bit) == (0x8664, 10, True)
    assert [(s.name, s.offset, s.size_bytes, s.virtual_size_bytes) for s in pe.sections] == [
        (".text", 512, 512, 4),
        (".data", 1024, 1024, 600),
    ]
    assert pe.required_bytes == len(IMAGE) == 2048
    assert pe.certificates_size_bytes == 0
    assert pe.section(".data") is pe.sections[1]
    assert pe.section(".none") is None


@pytest.mark.parametrize("is_64_bit", [True, False])
def test_certificates_are_part_of_the_file(is_64_bit: bool) -> None:
    image = pe_image({".text": b"code"}, is_64_bit=is_64_bit, machine=0x014C, subsystem=11, certificate=bytes(1000))
    pe = read_pe(Memory(image))

    assert (pe.machine, pe.subsystem, pe.is_64_bit) == (0x014C, 11, is_64_bit)
    assert pe.certificates_size_bytes == 1000
    assert pe.required_bytes == len(image)


def test_long_names_are_in_the_string_table() -> None:
    pe = read_pe(Memory(pe_image({".text": b"x", ".vendor_cert": b"y", ".long_name_of_a_section": b"z"})))

    assert [section.name for section in pe.sections] == [".text", ".vendor_cert", ".long_name_of_a_section"]


@pytest.mark.parametrize("name", [b"/9999999", b"/\xb2\0\0\0\0\0\0", b"/x\0\0\0\0\0\0", b"\xff\xfe\xfd\0\0\0\0\0"])
def test_odd_names_are_no_reason_to_refuse(name: bytes) -> None:
    start = IMAGE.index(b".text")

    assert len(read_pe(patched(IMAGE, start, name)).sections) == 2


@pytest.mark.parametrize("length", [0, 1, 0x3F, 0x40, 0x50, 0x58, 0x100, 0x148, 0x170])
def test_headers_that_are_cut_off_are_refused(length: int) -> None:
    with pytest.raises(ImageMalformed) as refused:
        read_pe(Memory(IMAGE[:length]))
    assert refused.value.details


def test_sections_that_are_cut_off_are_seen_by_the_size_they_need() -> None:
    assert read_pe(Memory(IMAGE[:600])).required_bytes == 2048


REFUSED = {
    "no MZ": (0, b"ZM", "MZ"),
    "ELF": (0, b"\x7fELF", "MZ"),
    "PE header far away": (0x3C, b"\xff\xff\xff\xff", "PE signature"),
    "no PE signature": (0x40, b"NE\0\0", "PE signature"),
    "no sections": (0x46, b"\0\0", "0 sections"),
    "too many sections": (0x46, (MAX_SECTIONS + 1).to_bytes(2, "little"), "97 sections"),
    "ROM image": (0x58, b"\x07\x01", "0x0107"),
    "short optional header": (0x54, b"\x40\0", "only 64 bytes"),
}


@pytest.mark.parametrize(("offset", "data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_pe_image_is_refused_with_the_reason(offset: int, data: bytes, words: str) -> None:
    with pytest.raises(ImageMalformed) as refused:
        read_pe(patched(IMAGE, offset, data))
    assert words in (refused.value.details or "")


def test_sections_without_bytes_in_the_file_need_none() -> None:
    start = IMAGE.index(b".data")

    assert read_pe(patched(IMAGE, start + 16, bytes(4) + b"\0\0\0\x7f")).required_bytes == 1024


def test_data_directories_that_are_cut_off_mean_no_certificates() -> None:
    """An optional header of 112 bytes claims sixteen of them."""
    image = pe_image({".text": b"code"})
    short = image[:0x54] + b"\x70\0" + image[0x56 : 0x58 + 112] + image[0x58 + 240 :]

    assert read_pe(Memory(short)).certificates_size_bytes == 0


def test_few_data_directories_mean_no_certificates() -> None:
    image = pe_image({".text": b"code"}, certificate=bytes(100))

    assert read_pe(patched(image, 0x58 + 108, b"\4\0\0\0")).certificates_size_bytes == 0
