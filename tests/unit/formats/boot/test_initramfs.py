"""Initramfs images: segments, compressions, damage and limits; the archives are written by the fixtures' own writer."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import lz4.block
import lz4.frame
import pytest
import zstandard

from byoi_tools.formats.arriving import Arriving
from byoi_tools.formats.boot.initramfs import InitramfsListing, list_initramfs
from byoi_tools.formats.source import Memory
from fixtures.tiny.initramfs import MICROCODE, cpio

FILES = {"init": b"#!/bin/sh\n", "usr/lib/modules/6.1/kernel/nvme.ko.zst": b"\x7fELF" * 700, "conf/a": b"x"}
PATHS = [
    *("init", "usr", "usr/lib", "usr/lib/modules", "usr/lib/modules/6.1", "usr/lib/modules/6.1/kernel"),
    *("usr/lib/modules/6.1/kernel/nvme.ko.zst", "conf", "conf/a"),
]
MICROCODE_PATHS = [
    *("kernel", "kernel/x86", "kernel/x86/microcode"),
    *("kernel/x86/microcode/GenuineIntel.bin", "kernel/x86/microcode/AuthenticAMD.bin"),
]


def lz4_legacy(data: bytes) -> bytes:
    """The frame of `lz4 -l` (lz4, doc/lz4_Frame_format.md, Legacy frame)."""
    blocks = [lz4.block.compress(data[at : at + (8 << 20)], store_size=False) for at in range(0, len(data), 8 << 20)]
    return struct.pack("<I", 0x184C2102) + b"".join(struct.pack("<I", len(block)) + block for block in blocks)


def xz(data: bytes, check: int = lzma.CHECK_CRC32) -> bytes:
    return lzma.compress(data, check=check)


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "xz": xz,
    "lz4": lz4_legacy,
    "zstd": zstandard.ZstdCompressor(level=3, write_checksum=True).compress,
}
each_compression = pytest.mark.parametrize("name", COMPRESSIONS)


def nothing(path: str, size_bytes: int) -> bool:
    return False


def listed(content: bytes) -> InitramfsListing:
    return list_initramfs(Memory(content), nothing)


def paths(listing: InitramfsListing) -> list[str]:
    return [entry.path for entry in listing.entries]


def test_a_plain_archive_is_one_segment() -> None:
    listing = listed(cpio(FILES))
    assert (listing.segments, listing.damage, listing.unread) == (("cpio",), "", "")
    assert paths(listing) == PATHS
    assert [entry.size_bytes for entry in listing.entries if entry.is_file] == [10, 2800, 1]


@each_compression
def test_microcode_before_a_compressed_archive(name: str) -> None:
    listing = listed(cpio(MICROCODE) + COMPRESSIONS[name](cpio(FILES)))
    assert (listing.segments, listing.damage, listing.unread) == (("cpio", name), "", "")
    assert paths(listing) == MICROCODE_PATHS + PATHS


@each_compression
def test_several_segments_with_zeros_between_them(name: str) -> None:
    one, other = COMPRESSIONS[name](cpio({"a": b"1"})), gzip.compress(cpio({"b": b"2"}))
    listing = listed(bytes(8) + cpio({"c": b""}) + bytes(4096) + one + bytes(12) + other + bytes(70_000))
    assert listing.damage == ""
    assert listing.segments == ("cpio", name, "gzip")
    assert paths(listing) == ["c", "a", "b"]


@each_compression
def test_an_image_is_listed_while_it_arrives(name: str) -> None:
    whole = cpio(MICROCODE) + bytes(512) + COMPRESSIONS[name](cpio(FILES)) + cpio({"a": b"1"})
    arriving = Arriving()
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(list_initramfs, arriving, nothing)
        arriving.receive(whole[start : start + 37] for start in range(0, len(whole), 37))
        assert listing.result(60) == listed(whole)
    assert paths(listed(whole)) == [*MICROCODE_PATHS, *PATHS, "a"]


@each_compression
@pytest.mark.parametrize("cut", [1, 9, 200])
def test_an_image_that_is_cut_off_is_damaged(name: str, cut: int) -> None:
    whole = COMPRESSIONS[name](cpio({str(number): bytes([number]) * 90 for number in range(40)}))
    assert listed(whole).damage == ""
    assert listed(whole[:-cut]).damage


def test_an_archive_that_is_cut_off_keeps_what_was_before() -> None:
    whole = cpio(FILES)
    listing = listed(whole[: whole.index(b"conf/a")])
    assert listing.damage
    assert paths(listing) == [*PATHS[:-2], "conf"]


@pytest.mark.parametrize("garbage", [b"\xff" * 9, b"0707070000", b"\x04\x22\x4d\x18rest", b"PK\x03\x04"])
def test_what_linux_does_not_know_is_damage(garbage: bytes) -> None:
    listing = listed(cpio(FILES) + garbage)
    assert "neither a cpio archive nor a compression" in listing.damage
    assert paths(listing) == PATHS


def test_a_compressed_segment_must_hold_archives() -> None:
    assert "no header of a newc archive at byte 0" in listed(gzip.compress(b"hello" * 99)).damage


def test_lz4_that_is_not_the_legacy_frame_is_not_for_linux() -> None:
    assert listed(lz4.frame.compress(cpio(FILES))).damage


@pytest.mark.parametrize("check", [lzma.CHECK_CRC64, lzma.CHECK_SHA256])
def test_linux_reads_xz_with_crc32_alone(check: int) -> None:
    assert "CRC32" in listed(xz(cpio(FILES), check)).damage
    assert listed(xz(cpio(FILES), lzma.CHECK_NONE)).damage == ""


def test_lzop_is_not_read_and_no_defect() -> None:
    listing = listed(cpio(MICROCODE) + b"\x89LZO\0\r\n\x1a\n")
    assert (listing.damage, listing.segments) == ("", ("cpio", "lzop"))
    assert "lzop" in listing.unread


def test_nothing_is_damage() -> None:
    assert listed(b"").damage == listed(bytes(5000)).damage == "it is empty"


def test_several_archives_inside_of_one_segment() -> None:
    listing = listed(gzip.compress(cpio({"a": b"1"}) + bytes(512) + cpio({"b": b"2"})))
    assert paths(listing) == ["a", "b"]


def test_the_content_of_wanted_files_is_kept() -> None:
    listing = list_initramfs(Memory(COMPRESSIONS["zstd"](cpio(FILES))), lambda path, size: path == "init" and size < 99)
    assert {entry.path: entry.content for entry in listing.entries if entry.content is not None} == {
        "init": FILES["init"]
    }


def test_no_more_than_eight_mebibytes_are_kept() -> None:
    many = {f"conf/{number}": bytes(1 << 20) for number in range(12)}
    listing = list_initramfs(Memory(gzip.compress(cpio(many), 1)), lambda path, size: True)
    assert sum(entry.content is not None for entry in listing.entries) == 8
    assert len([entry for entry in listing.entries if entry.is_file]) == 12


def test_names_lose_what_points_to_the_root() -> None:
    assert paths(listed(cpio({"init": b""}).replace(b"init\0", b"/.//\0")))  # a name of the same length
    renamed = cpio({"./init": b"x"})
    assert "init" in paths(listed(renamed))


def test_no_more_than_a_gibibyte_is_unpacked() -> None:
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    bomb = compressor.compress(cpio({"zeros": b""})[:54] + b"7FFFFFFF")
    bomb += compressor.compress(cpio({"zeros": b""})[62:120])
    bomb += b"".join(compressor.compress(bytes(1 << 24)) for _ in range(65)) + compressor.flush()
    assert len(bomb) < 1 << 20
    listing = listed(bomb)
    assert (listing.damage, listing.unread) == ("", "it decompresses to more than 1024 MiB")


@pytest.mark.parametrize("field", [54, 94, 14])
@pytest.mark.parametrize("value", [b"FFFFFFFF", b"-0000001", b"zzzzzzzz", b"00000000"])
def test_no_number_of_a_header_breaks_the_reader(field: int, value: bytes) -> None:
    body = cpio({"init": b"x" * 30})
    listed(body[:field] + value + body[field + 8 :])


def test_too_many_files_are_not_listed() -> None:
    one = cpio({"a": b""})
    entry = one[: one.index(b"070701", 6)]
    listing = listed(entry * 200_001 + one)
    assert len(listing.entries) == 200_000
    assert "more than 200000 files" in listing.unread
