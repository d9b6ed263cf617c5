"""No bytes break the readers of initramfs images, kernels and modules, or make them work without end."""

from __future__ import annotations

import bz2
import gzip
import lzma

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.formats.boot.initramfs import list_initramfs
from byoi_tools.formats.boot.linux_kernel import read_kernel
from byoi_tools.formats.guest_files.kernel_modules import read_built_in_options, read_builtin, read_index
from byoi_tools.formats.guest_files.modprobe_config import read_blacklisted
from byoi_tools.formats.guest_files.package_lists import read_apk_installed, read_dpkg_status
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.kernels.initramfs import read_initramfs
from fixtures.tiny import kernel_image
from fixtures.tiny.initramfs import MICROCODE, cpio, initramfs

FILES = {"init": b"#!/bin/sh", "conf/initramfs.conf": b"MODULES=dep", "usr/lib/modules/1/kernel/a.ko": b"\x7fELF" * 20}
GOOD = [
    cpio(FILES),
    initramfs(FILES),
    *(pack(cpio(FILES)) for pack in (gzip.compress, bz2.compress, zstandard.ZstdCompressor(1).compress)),
    lzma.compress(cpio(FILES), check=lzma.CHECK_CRC32),
    lzma.compress(cpio(FILES), lzma.FORMAT_ALONE),
    b"\x02\x21\x4c\x18" + bytes([9, 0, 0, 0]) + b"\xf0" * 40,
]
PATHS = {
    entry.path for entry in list_initramfs(Memory(cpio(FILES) + cpio(MICROCODE)), lambda path, size: False).entries
}
edits = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=8)


def edited(content: bytes, changes: list[tuple[int, int]]) -> bytes:
    whole = bytearray(content)
    for place, value in changes:
        whole[place % len(whole)] = value
    return bytes(whole)


@given(st.sampled_from(GOOD), edits, st.integers(0, 4096), st.binary(max_size=40))
def test_a_changed_initramfs_is_listed_or_damaged(
    good: bytes, changes: list[tuple[int, int]], cut: int, tail: bytes
) -> None:
    content = edited(good, changes)[: len(good) - cut or None] + tail
    listing = list_initramfs(Memory(content), lambda path, size: size < 1000)
    assert len(listing.entries) < 100
    read_initramfs("/boot/initrd.img", Memory(content))


@given(st.sampled_from(GOOD), st.integers(1, 300))
def test_an_initramfs_that_is_cut_off_never_gains_files(good: bytes, cut: int) -> None:
    listing = list_initramfs(Memory(good[:-cut]), lambda path, size: False)
    assert {entry.path for entry in listing.entries} <= PATHS


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    list_initramfs(Memory(content), lambda path, size: True)
    read_kernel(content)


@given(edits, st.integers(0, 3072))
def test_no_change_of_a_kernel_breaks_its_reader(changes: list[tuple[int, int]], size: int) -> None:
    read_kernel(edited(kernel_image.build("6.1.0-41-amd64"), changes)[:size])


@given(st.text(max_size=400))
def test_no_text_breaks_the_readers_of_lists(text: str) -> None:
    read_index(text, text, text)
    read_index(f"a.ko: {text}\n", f"alias {text} b\n", f"softdep {text}\n")
    read_builtin(text)
    read_built_in_options(text)
    read_blacklisted(text)
    read_dpkg_status(text)
    read_apk_installed(text)
