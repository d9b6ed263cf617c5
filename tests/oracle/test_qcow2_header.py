"""Header facts of images that QEMU made, against `qemu-img info`."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import ImageUnsafe
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.model.disks.qcow2 import (
    COMPRESSION_TYPE,
    CORRUPT,
    DIRTY,
    EXTENDED_L2,
    EXTERNAL_DATA_FILE,
    Qcow2Header,
)
from byoi_tools.tools.image_file import open_image
from tests.qcow2_images import create, create_encrypted, qemu_img, qemu_img_json

OPTIONS = [
    ("compat=0.10",),
    ("compat=0.10", "cluster_size=512"),
    (),
    ("cluster_size=2M",),
    ("lazy_refcounts=on",),
    ("refcount_bits=1",),
    ("refcount_bits=64", "cluster_size=4k"),
    ("compression_type=zstd",),
    ("extended_l2=on",),
    ("extended_l2=on", "compression_type=zstd", "cluster_size=16k"),
    ("data_file={folder}/data.raw",),
    ("data_file={folder}/data.raw", "data_file_raw=on"),
    ("backing_file={folder}/base.qcow2", "backing_fmt=qcow2"),
    ("compat=0.10", "backing_file={folder}/base.qcow2", "backing_fmt=qcow2"),
]


def read(path: Path) -> Qcow2Header:
    with open_image(path) as source:
        return read_qcow2_header(source)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ",".join(options) or "defaults")
def test_the_header_says_what_qemu_img_says(tmp_path: Path, options: tuple[str, ...]) -> None:
    create(tmp_path / "base.qcow2", "5M")
    path = create(tmp_path / "disk.qcow2", "5M", *(option.format(folder=tmp_path) for option in options))
    header, told = read(path), qemu_img_json("info", path)
    details = told["format-specific"]["data"]
    assert header.virtual_size_bytes == told["virtual-size"]
    assert header.cluster_size_bytes == told["cluster-size"]
    assert header.version == {"0.10": 2, "1.1": 3}[details["compat"]]
    assert 1 << header.refcount_order == details["refcount-bits"]
    assert ["zlib", "zstd"][header.compression_type] == details["compression-type"]
    assert header.has_incompatible_feature(COMPRESSION_TYPE) == (details["compression-type"] == "zstd")
    assert header.has_incompatible_feature(EXTENDED_L2) == details.get("extended-l2", False)
    assert header.has_incompatible_feature(DIRTY) == told["dirty-flag"]
    assert header.has_incompatible_feature(CORRUPT) == details.get("corrupt", False)
    assert bool(header.compatible_features & 1) == details.get("lazy-refcounts", False)
    assert bool(header.autoclear_features & 2) == details.get("data-file-raw", False)
    assert header.data_file == details.get("data-file")
    assert header.has_incompatible_feature(EXTERNAL_DATA_FILE) == ("data-file" in details)
    assert header.backing_file == told.get("backing-filename")
    assert header.backing_format == told.get("backing-filename-format")
    assert (header.encryption_method, header.snapshot_count, header.unknown_incompatible_features) == (0, 0, 0)


@pytest.mark.parametrize(("method", "number"), [("aes", 1), pytest.param("luks", 2, marks=pytest.mark.slow)])
def test_encryption(tmp_path: Path, method: str, number: int) -> None:
    path = create_encrypted(tmp_path / "disk.qcow2", method)
    assert qemu_img_json("info", path)["format-specific"]["data"]["encrypt"]["format"] == method
    assert read(path).encryption_method == number
    with open_image(path) as source, pytest.raises(ImageUnsafe, match="encrypted"):
        Qcow2Disk(source, read_qcow2_header(source))


def test_snapshots_and_bitmaps(tmp_path: Path) -> None:
    path = create(tmp_path / "disk.qcow2", "5M")
    for name in ("one", "two", "three"):
        qemu_img("snapshot", "-c", name, path)
    qemu_img("bitmap", "--add", path, "changes")
    header, told = read(path), qemu_img_json("info", path)
    assert header.snapshot_count == len(told["snapshots"]) == 3
    assert 0x23852875 in header.extension_types
    assert header.autoclear_features & 1
