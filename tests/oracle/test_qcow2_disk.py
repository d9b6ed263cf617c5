"""Virtual disks that QEMU wrote, read by us and by qemu-img."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from byoi_tools.errors import ImageUnsafe
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.source import Memory
from byoi_tools.tools.image_file import open_image
from tests.qcow2_images import COMPRESSED, COPIED, Recipe, convert, create, qemu_img, virtual_bytes, write

SIZE = 6 << 20
PATTERNS = (
    "write -P 0x5a 1M 64k",
    "write -P 0x11 0 512",
    "write -P 0x22 100k 300k",
    "write -P 0x33 2049k 1023k",
    "write -z 200k 60k",
    "write -z -u 2200k 200k",
    "discard 2500k 128k",
    "write -P 0x44 6143k 1k",
    "write -P 0x55 3333k 4608",
)


def read_all(path: Path) -> bytes:
    """The virtual disk by our reader, in pieces of odd sizes that cross clusters."""
    pieces: list[bytes] = []
    with open_image(path) as source:
        disk = Qcow2Disk(source, read_qcow2_header(source))
        for length in (1, 511, 4097, 70_001, 1 << 20) * 20:
            pieces.append(disk.read_at(sum(map(len, pieces)), length))
        assert b"".join(pieces) == disk.read_at(0, 1 << 40)
    return b"".join(pieces)


OPTIONS = [
    ("compat=0.10",),
    ("compat=0.10", "cluster_size=512"),
    ("cluster_size=512",),
    ("cluster_size=4k",),
    (),
    ("cluster_size=2M",),
    ("preallocation=metadata",),
    ("preallocation=falloc",),
    ("preallocation=full", "cluster_size=8k"),
    ("lazy_refcounts=on",),
    ("refcount_bits=64",),
    ("refcount_bits=1",),
    ("extended_l2=on",),
    ("extended_l2=on", "cluster_size=16k"),
    ("extended_l2=on", "cluster_size=2M", "preallocation=metadata"),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "defaults")
def test_written_images_read_as_qemu_reads_them(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE, *options), *PATTERNS)
    assert read_all(path) == virtual_bytes(path)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw disk with text, zeros and bytes that do not compress; its size is no multiple of any cluster."""
    parts = (b"byoi " * 40_000, bytes(300_000), os.urandom(300_000), bytes(900_000), os.urandom(1000) * 600)
    path = tmp_path_factory.mktemp("raw") / "disk.raw"
    path.write_bytes(b"".join(parts).ljust(2_301_952, b"\1"))
    return path


@pytest.mark.parametrize("cluster", ["512", "4k", "64k", "2M"])
@pytest.mark.parametrize("options", [("compat=0.10",), (), ("compression_type=zstd",), ("extended_l2=on",)], ids=str)
def test_compressed_images_hold_what_was_converted(
    tmp_path: Path, raw: Path, options: tuple[str, ...], cluster: str
) -> None:
    if options == ("extended_l2=on",) and cluster in ("512", "4k"):
        cluster = "32k"
    path = convert(raw, tmp_path / "disk.qcow2", *options, f"cluster_size={cluster}", compress=True)
    assert read_all(path) == raw.read_bytes()


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_compressed_and_plain_clusters_in_one_image(tmp_path: Path, compression: str) -> None:
    path = create(tmp_path / "disk.qcow2", SIZE, f"compression_type={compression}", "cluster_size=16k")
    write(path, "write -c -P 0x77 0 1M", *PATTERNS, "write -c -P 0x66 4M 512k", "write -P 1 4200k 10k")
    assert read_all(path) == virtual_bytes(path)


def test_the_active_state_is_read_not_the_snapshots(tmp_path: Path) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE), *PATTERNS[:3])
    for number in range(2):
        qemu_img("snapshot", "-c", f"state-{number}", path)
        write(path, f"write -P {number + 1} 90k 700k")
    assert read_all(path) == virtual_bytes(path)


def test_an_image_of_an_exbibyte_with_little_in_it(tmp_path: Path) -> None:
    size = 1 << 60
    path = create(tmp_path / "disk.qcow2", size, "cluster_size=2M")
    write(path, f"write -P 9 {size - 1000 * 512} 64k")
    with open_image(path) as source:
        disk = Qcow2Disk(source, read_qcow2_header(source))
        assert disk.size_bytes == size
        assert disk.read_at(size - 512_001, 65_538) == b"\0" + b"\x09" * 65_536 + b"\0"


def test_an_image_without_size_reads_as_nothing(tmp_path: Path) -> None:
    path = create(tmp_path / "disk.qcow2", 0)
    with open_image(path) as source:
        assert Qcow2Disk(source, read_qcow2_header(source)).read_at(0, 100) == b""


def make_backed(folder: Path) -> Path:
    create(folder / "base.qcow2", SIZE)
    return create(folder / "disk.qcow2", SIZE, f"backing_file={folder / 'base.qcow2'}", "backing_fmt=qcow2")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_backed, "backing file"),
        (lambda folder: create(folder / "disk.qcow2", SIZE, f"data_file={folder / 'data.raw'}"), "external data file"),
    ],
    ids=["backing", "data-file"],
)
def test_what_qemu_made_with_content_elsewhere_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    with open_image(make(tmp_path)) as source, pytest.raises(ImageUnsafe, match=words):
        Qcow2Disk(source, read_qcow2_header(source))


def test_images_made_byte_by_byte_read_as_qemu_reads_them(tmp_path: Path) -> None:
    """Holds our recipe, and what the unit tests expect of it, against QEMU."""
    compressor = zlib.compressobj(wbits=-15)
    plain = os.urandom(8192) * 8
    packed = compressor.compress(plain) + compressor.flush()
    first = 5 << 16
    entry = COMPRESSED | (len(packed) - 1) // 512 << 54 | first
    l2 = (entry, COPIED | first, 1, 0, COPIED | first | 1, entry)
    recipe = Recipe(cluster_bits=16, virtual_size=6 << 16, l2=l2, data=packed.ljust(1 << 16, b"\0"))
    path = tmp_path / "disk.qcow2"
    path.write_bytes(recipe.build())
    image = Memory(recipe.build())
    disk = Qcow2Disk(image, read_qcow2_header(image))
    assert disk.read_at(0, disk.size_bytes) == virtual_bytes(path)
    assert disk.read_at(0, 1 << 16) == plain
