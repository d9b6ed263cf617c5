"""Damaged, cut and random archives and compressed files: nothing but our own errors, and little memory."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from byoi_tools.errors import ByoiError, ImageError
from byoi_tools.formats.compression.compressed import COMPRESSIONS, decompress
from byoi_tools.formats.containers.ova import read_member, read_ova, verify_member
from byoi_tools.formats.containers.ovf import read_ovf
from byoi_tools.formats.containers.tar import read_tar
from byoi_tools.formats.source import Memory
from byoi_tools.model.image import ImageFormat
from tests.packed_images import envelope

CONTENT = bytes(range(256)) * 3 + bytes(3000) + b"the end"
COMPRESSORS: dict[ImageFormat, Callable[[bytes], bytes]] = {
    ImageFormat.GZIP: gzip.compress,
    ImageFormat.BZIP2: bz2.compress,
    ImageFormat.XZ: lzma.compress,
    ImageFormat.ZSTD: zstandard.ZstdCompressor(write_checksum=True).compress,
}
PACKED = {kind: compress(CONTENT) for kind, compress in COMPRESSORS.items()}
KINDS = st.sampled_from(sorted(COMPRESSIONS, key=lambda kind: kind.value))


def archive(style: int = tarfile.USTAR_FORMAT) -> bytes:
    """An OVA by Python, whose digests are those of its hashlib."""
    disk, ovf = CONTENT, envelope().encode()
    manifest = f"SHA256(m.ovf)= {hashlib.sha256(ovf).hexdigest()}\nSHA1(disk)= {hashlib.sha1(disk).hexdigest()}\n"  # noqa: S324
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=style) as tar:
        for name, content in (("m.ovf", ovf), ("m.mf", manifest.encode()), ("disk", disk)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if style == tarfile.PAX_FORMAT:
                entry.pax_headers = {"comment": "ü" * 20, "path": name}
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


OVAS = {"ustar": archive(), "pax": archive(tarfile.PAX_FORMAT), "gnu": archive(tarfile.GNU_FORMAT)}


def disk_of(content: bytes) -> bytes:
    """All that is done with an OVA: its disk, with every digest verified."""
    source = Memory(content)
    ova = read_ova(source)
    disk = b"".join(read_member(source, ova.disk, ova.promises))
    for other in ova.others:
        verify_member(source, other, ova.promises)
    return disk


def unpack(content: bytes, kind: ImageFormat) -> bytes:
    return b"".join(decompress(Memory(content), kind))


@pytest.mark.parametrize("style", OVAS)
def test_whole_archives_are_read(style: str) -> None:
    assert disk_of(OVAS[style]) == CONTENT


@pytest.mark.parametrize("kind", PACKED)
def test_a_stream_that_is_cut_anywhere_is_an_error(kind: ImageFormat) -> None:
    assert unpack(PACKED[kind], kind) == CONTENT
    for length in range(1, len(PACKED[kind])):
        with pytest.raises(ImageError):
            unpack(PACKED[kind][:length], kind)


@pytest.mark.parametrize("style", OVAS)
def test_an_archive_that_is_cut_anywhere_is_an_error_up_to_its_end(style: str) -> None:
    content = OVAS[style]
    end = len(content.rstrip(b"\0")) // 512 * 512 + 1024  # the last block of the disk, and one of zeros
    for length in range(0, end, 7):
        with pytest.raises(ByoiError):
            disk_of(content[:length])
    assert disk_of(content[:end]) == CONTENT


@given(kind=KINDS, data=st.data())
def test_a_damaged_stream_never_passes_for_another_content(kind: ImageFormat, data: st.DataObject) -> None:
    content = bytearray(PACKED[kind])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with suppress(ImageError):  # what is not covered by a check sum has no meaning: a time, an operating system
        assert unpack(bytes(content), kind) == CONTENT


@settings(max_examples=300, deadline=None)
@given(style=st.sampled_from(sorted(OVAS)), data=st.data())
def test_a_damaged_archive_raises_nothing_but_our_errors(style: str, data: st.DataObject) -> None:
    content = bytearray(OVAS[style])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        damage = data.draw(st.binary(min_size=1, max_size=12) | st.sampled_from([b"\x80" + b"\xff" * 11, b"x", b"L"]))
        content[place : place + len(damage)] = damage
    with suppress(ByoiError):
        is_promised = bool(
            read_ova(Memory(bytes(content))).promises
        )  # the name of the manifest may be what was damaged
        assert disk_of(bytes(content)) == CONTENT or not is_promised


@given(kind=KINDS, content=st.binary(max_size=2000))
def test_random_bytes_behind_a_magic_raise_nothing_but_our_errors(kind: ImageFormat, content: bytes) -> None:
    with suppress(ImageError):
        unpack(PACKED[kind][:6] + content, kind)
    with suppress(ImageError):
        unpack(PACKED[kind] + content, kind)


@given(st.binary(max_size=3000))
def test_random_archives_and_descriptors_raise_nothing_but_our_errors(content: bytes) -> None:
    for read in (read_tar, read_ova):
        with pytest.raises(ImageError):
            read(Memory(OVAS["ustar"][:257] + content))
    with pytest.raises(ImageError):
        read_ovf(content)


XML = st.recursive(
    st.text(max_size=5),
    lambda inside: st.builds(
        lambda name, attributes, contents: f"<{name} {attributes}>{''.join(contents)}</{name}>",
        st.sampled_from(["Envelope", "References", "DiskSection", "File", "Disk", "x:File"]),
        st.sampled_from(["", 'id="f"', 'fileRef="f"', 'href="d" id="f"', 'size="-1"', 'ovf:size="1" xmlns:ovf="o"']),
        st.lists(inside, max_size=4),
    ),
)


@given(XML)
def test_random_descriptors_raise_nothing_but_our_errors(text: str) -> None:
    with suppress(ImageError):
        assert read_ovf(text.encode("utf-8", "surrogatepass")).href == "d"


@pytest.mark.parametrize("kind", PACKED)
def test_a_bomb_takes_little_memory(kind: ImageFormat) -> None:
    packed = COMPRESSORS[kind](bytes(32 << 20))
    tracemalloc.start()
    try:
        lengths = [len(chunk) for chunk in decompress(Memory(packed), kind)]
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(lengths) == 32 << 20
    assert max(lengths) <= 1 << 20
    assert peak_bytes < 16 << 20
