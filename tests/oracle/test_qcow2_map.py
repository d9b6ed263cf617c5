"""Counts of clusters, against `qemu-img map` and `qemu-img check`."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path

import pytest

from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.containers.qcow2_map import read_cluster_map
from byoi_tools.formats.containers.qcow2_tables import OFFSET_MASK
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.qcow2 import Qcow2ClusterMap
from byoi_tools.tools.image_file import open_image
from tests.qcow2_images import convert, create, qemu_img, qemu_img_json, write

MIB = 1 << 20
SIZE = 8 * MIB
PATTERNS = (
    "write -P 0x5a 1M 256k",
    "write -z 1088k 64k",
    "write -z 3M 512k",
    "discard 1152k 64k",
    "write -P 0x5b 7M 1M",
)


def read(path: Path) -> Qcow2ClusterMap:
    with open_image(path) as source:
        return read_cluster_map(source, read_qcow2_header(source))


def count_by_qemu(path: Path, cluster_size: int) -> tuple[int, int, int]:
    """Data, compressed and zero clusters: qemu-img map gives no offset for compressed data."""
    extents = qemu_img_json("map", "-f", "qcow2", path)
    data = sum(e["length"] for e in extents if e["data"] and "offset" in e)
    packed = sum(e["length"] for e in extents if e["data"] and "offset" not in e)
    zero = sum(e["length"] for e in extents if e["present"] and not e["data"])
    return data // cluster_size, packed // cluster_size, zero // cluster_size


@pytest.mark.parametrize(
    "options",
    [("cluster_size=512",), ("cluster_size=4k",), (), ("preallocation=metadata",), ("lazy_refcounts=on",)],
    ids=lambda options: ",".join(options) or "defaults",
)
def test_written_images(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE, *options), *PATTERNS)
    size = next((int(o[13:].replace("k", "000")) // 1000 * 1024 or 512 for o in options if "cluster" in o), 65536)
    found = read(path)
    assert (found.data_clusters, found.compressed_clusters, found.zero_clusters) == count_by_qemu(path, size)
    assert found.zero_clusters > 0
    assert (found.missing_clusters, found.misaligned_entries) == (0, 0)


@pytest.mark.parametrize("cluster_size", [512, 4096, 65536, 2 << 20])
@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_compressed_images(tmp_path: Path, compression: str, cluster_size: int) -> None:
    raw = tmp_path / "disk.raw"
    raw.write_bytes(b"byoi" * 60_000 + bytes(1 << 20) + os.urandom(300_000) + bytes(1 << 20))
    options = (f"compression_type={compression}", f"cluster_size={cluster_size}")
    path = convert(raw, tmp_path / "disk.qcow2", *options, compress=True)
    found, checked = read(path), qemu_img_json("check", path)
    assert found.compressed_clusters == checked["compressed-clusters"]
    assert found.data_clusters + found.compressed_clusters == checked["allocated-clusters"]
    assert found.missing_clusters == 0
    assert found.end_bytes <= path.stat().st_size


def test_subclusters(tmp_path: Path) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE, "extended_l2=on"), "write -P 1 0 512", "write -P 1 5M 130k")
    found = read(path)
    assert found.data_clusters == qemu_img_json("check", path)["allocated-clusters"] == 4
    assert found.missing_clusters == 0
    assert found.end_bytes <= path.stat().st_size


def test_snapshots_are_not_counted(tmp_path: Path) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE), *PATTERNS)
    before = read(path)
    qemu_img("snapshot", "-c", "state", path)
    write(path, "write -P 3 1M 64k")
    assert (read(path).data_clusters, read(path).zero_clusters) == (before.data_clusters, before.zero_clusters)


def corruptions_and_leaks(path: Path) -> tuple[int, int]:
    """What qemu-img check finds: clusters with more references than their count says, and clusters without any."""
    command = ["qemu-img", "check", "--output=json", str(path)]
    checked = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return int(checked.get("corruptions", 0)), int(checked.get("leaks", 0))


@pytest.mark.parametrize("options", [(), ("cluster_size=16k",), ("extended_l2=on",)], ids=str)
def test_clusters_in_one_place(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE, *options), *(f"write -P {n} {n}M 64k" for n in range(6)))
    assert (corruptions_and_leaks(path), read(path).shared_clusters) == ((0, 0), 0)
    header = read_qcow2_header(Memory(path.read_bytes()[:4096]))
    width, per_mebibyte = header.cluster_size_bytes // header.l2_entry_count, MIB // header.cluster_size_bytes
    content = bytearray(path.read_bytes())
    (first_table,) = struct.unpack_from(">Q", content, header.l1_table_offset)
    places = [(first_table & OFFSET_MASK) + n * per_mebibyte * width for n in range(6)]
    for place in places[1:3]:
        content[place : place + 8] = content[places[0] : places[0] + 8]
    content[places[5] : places[5] + 8] = content[places[4] : places[4] + 8]
    path.write_bytes(content)
    # Two places have too many references; and each entry that was changed has left a place to nobody.
    assert corruptions_and_leaks(path) == (2, read(path).shared_clusters) == (2, 3)


def test_clusters_of_a_snapshot_are_not_in_one_place(tmp_path: Path) -> None:
    path = write(create(tmp_path / "disk.qcow2", SIZE), *PATTERNS)
    qemu_img("snapshot", "-c", "state", path)
    assert (corruptions_and_leaks(path), read(path).shared_clusters) == ((0, 0), 0)


@pytest.mark.parametrize("clusters", [1, 2, 100])
def test_truncated_images(tmp_path: Path, clusters: int) -> None:
    path = create(tmp_path / "disk.qcow2", SIZE, "preallocation=full")
    whole = read(path)
    assert whole.end_bytes == path.stat().st_size == qemu_img_json("check", path)["image-end-offset"]
    os.truncate(path, whole.end_bytes - clusters * 65536)
    checked = subprocess.run(["qemu-img", "check", str(path)], capture_output=True, text=True, check=False)
    assert checked.stderr.count("exceeding the end of the file") == clusters
    assert read(path).missing_clusters == clusters
    assert read(path).end_bytes == whole.end_bytes
    os.truncate(path, path.stat().st_size - 1)
    assert read(path).missing_clusters == clusters + 1
