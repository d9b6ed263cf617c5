"""What the qcow2 writer writes, judged by QEMU: clean, and the same content, whatever the disk looks like."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.conversion.content import DiskDigest, digest_disk, require_same_content
from byoi_tools.conversion.disk_content import PIECE_BYTES, DiskContent, stored_pieces
from byoi_tools.conversion.qcow2_layout import most_bytes
from byoi_tools.conversion.qcow2_writer import write_qcow2
from byoi_tools.errors import IntegrityError
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.model.image import Compression
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import ImageFile, open_image
from fixtures.tiny.good import good_raw

QUIET = Observer()
MIB = 2**20


def write(source: Path, output: Path, compression: Compression, cluster_bits: int = 16, threads: int = 2) -> None:
    with open_image(source) as disk, output.open("w+b") as file:
        write_qcow2(disk, file, compression, QUIET, cluster_bits=cluster_bits, threads=threads)


def assert_qemu_agrees(source: Path, output: Path) -> None:
    check = ["qemu-img", "check", "--output=json", "-f", "qcow2", str(output)]
    found = json.loads(subprocess.run(check, check=True, capture_output=True, text=True).stdout)
    assert (found["check-errors"], found.get("corruptions", 0), found.get("leaks", 0)) == (0, 0, 0)
    compare = ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", str(source), str(output)]
    assert subprocess.run(compare, check=False, capture_output=True, text=True).returncode == 0


def read_back(path: Path) -> tuple[ImageFile, Qcow2Disk]:
    source = open_image(path)
    return source, Qcow2Disk(source, read_qcow2_header(source))


def digest(disk: DiskContent) -> DiskDigest:
    return digest_disk(disk, QUIET, "reading", 2)


def make_disk(path: Path, size: int, pieces: list[tuple[int, bytes]]) -> None:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, content in pieces:
            file.seek(offset)
            file.write(content[: max(0, size - offset)])


def noise(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)  # noqa: S311 - incompressible bytes, not a secret


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("cluster_bits", [12, 16, 21])
def test_the_tiny_image(tmp_path: Path, compression: Compression, cluster_bits: int) -> None:
    source, output = tmp_path / "good.raw", tmp_path / "good.qcow2"
    good_raw(source)
    write(source, output, compression, cluster_bits)
    assert_qemu_agrees(source, output)


@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (512, []),
        (512, [(0, b"x")]),
        (64 * 1024, []),
        (3 * MIB + 512, [(3 * MIB, noise(512))]),
        (MIB, [(0, noise(MIB))]),
        (MIB, [(0, b"a" * MIB)]),
        (MIB, [(0, bytes(MIB))]),
        (600 * MIB, [(0, b"start"), (599 * MIB, b"end")]),
        (8 * 2**40, [(0, b"start"), (5 * 2**40 + 12345, noise(200_000)), (8 * 2**40 - 512, b"end" * 100)]),
    ],
    ids=[
        "empty sector",
        "one sector",
        "one cluster of zeros",
        "odd",
        "noise",
        "run",
        "stored zeros",
        "two tables",
        "8 TiB",
    ],
)
@pytest.mark.parametrize("compression", [Compression.ZLIB, Compression.ZSTD])
def test_disks_of_all_shapes(
    tmp_path: Path, size: int, pieces: list[tuple[int, bytes]], compression: Compression
) -> None:
    source, output = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    make_disk(source, size, pieces)
    write(source, output, compression)
    assert_qemu_agrees(source, output)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_disks(tmp_path: Path, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 12 * MIB // 512)) * 512
    count = data.draw(st.integers(0, 12))
    pieces = [
        (
            data.draw(st.integers(0, size - 1)),
            data.draw(st.sampled_from([noise(70_000, number), b"\xaa" * 200_000, bytes(100_000), b"text " * 9_000])),
        )
        for number in range(count)
    ]
    source, output = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    make_disk(source, size, pieces)
    cluster_bits = data.draw(st.sampled_from([12, 13, 16, 18, 21]))
    write(source, output, data.draw(st.sampled_from(list(Compression))), cluster_bits)
    assert_qemu_agrees(source, output)
    opened, disk = read_back(output)
    with opened, open_image(source) as original:
        clusters = sum(
            (end - start) >> cluster_bits
            for piece in stored_pieces(original, 1 << cluster_bits)
            for start, end in piece.ranges
        )
        assert output.stat().st_size <= most_bytes(size, clusters, cluster_bits)
        require_same_content(digest(original), digest(disk))


@pytest.mark.parametrize("cluster_bits", range(12, 22))
def test_every_cluster_size(tmp_path: Path, cluster_bits: int) -> None:
    source, output = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    make_disk(source, 7 * MIB + 512, [(1000, noise(3 * MIB)), (4 * MIB, b"words " * 2**18), (7 * MIB, noise(512))])
    write(source, output, Compression.ZLIB, cluster_bits)
    assert_qemu_agrees(source, output)


@pytest.mark.parametrize("compression", list(Compression))
def test_the_number_of_threads_changes_nothing(tmp_path: Path, compression: Compression) -> None:
    source = tmp_path / "good.raw"
    good_raw(source)
    for threads in (1, 2, 7):
        write(source, tmp_path / f"{threads}.qcow2", compression, threads=threads)
    images = {(tmp_path / f"{threads}.qcow2").read_bytes() for threads in (1, 2, 7)}
    assert len(images) == 1


@pytest.mark.parametrize("compression", list(Compression))
def test_what_was_told_to_be_written_does_not_change(tmp_path: Path, compression: Compression) -> None:
    source, output = tmp_path / "disk.raw", tmp_path / "disk.qcow2"
    make_disk(source, 40 * MIB, [(0, noise(9 * MIB)), (20 * MIB, b"text " * MIB)])
    seen: list[bytes] = []
    with open_image(source) as disk, output.open("w+b") as file:

        def look(end: int) -> None:
            with output.open("rb") as other:
                seen.append(other.read())
            assert len(seen[-1]) == end

        write_qcow2(disk, file, compression, QUIET, on_written=look)
    final = output.read_bytes()
    assert len(seen) == 5
    assert [each[65536:] for each in seen] == [final[65536 : len(each)] for each in seen]
    assert not any(each[:65536].strip(b"\0") for each in seen)


def test_holes_and_stored_zeros_give_the_same_bytes(tmp_path: Path) -> None:
    sparse, full = tmp_path / "sparse.raw", tmp_path / "full.raw"
    good_raw(sparse)
    full.write_bytes(sparse.read_bytes())
    write(sparse, tmp_path / "sparse.qcow2", Compression.ZLIB)
    write(full, tmp_path / "full.qcow2", Compression.ZLIB)
    assert (tmp_path / "sparse.qcow2").read_bytes() == (tmp_path / "full.qcow2").read_bytes()


def test_a_qcow2_is_a_source_too(tmp_path: Path) -> None:
    source, first, second = tmp_path / "good.raw", tmp_path / "first.qcow2", tmp_path / "second.qcow2"
    good_raw(source)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", str(source), str(first)], check=True)
    opened, disk = read_back(first)
    with opened, second.open("w+b") as file:
        write_qcow2(disk, file, Compression.ZLIB, QUIET)
    assert_qemu_agrees(source, second)
    write(source, tmp_path / "direct.qcow2", Compression.ZLIB)
    assert second.read_bytes() == (tmp_path / "direct.qcow2").read_bytes()


@pytest.mark.parametrize("offset", [0, 1, 5 * MIB, 64 * MIB - 1])
def test_one_wrong_byte_is_found(tmp_path: Path, offset: int) -> None:
    source, wrong, output = tmp_path / "good.raw", tmp_path / "wrong.raw", tmp_path / "good.qcow2"
    good_raw(source)
    good_raw(wrong)
    with wrong.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))
    write(wrong, output, Compression.ZLIB)
    opened, disk = read_back(output)
    with opened, open_image(source) as original, pytest.raises(IntegrityError, match="content") as failed:
        require_same_content(digest(original), digest(disk))
    first = offset // PIECE_BYTES * PIECE_BYTES
    assert f"bytes {first} to {first + PIECE_BYTES - 1} " in str(failed.value.details)
