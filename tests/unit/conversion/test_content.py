"""The digest of what a guest sees: the same for every way to store it, another for every other content."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.conversion.content import DiskDigest, digest_disk, require_same_content
from byoi_tools.errors import IntegrityError
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import open_image

KIB, MIB = 2**10, 2**20
NOISE = random.Random(1).randbytes(3 * MIB)  # noqa: S311 - only varied bytes


class Disk:
    """Bytes in memory; what is stored of them is said apart."""

    def __init__(self, content: bytes, ranges: tuple[tuple[int, int], ...] | None = None) -> None:
        self._content = content
        self._ranges = ((0, len(content)),) if ranges is None else ranges

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        yield from self._ranges


def digest(disk: Disk, threads: int = 2) -> DiskDigest:
    return digest_disk(disk, Observer(), "reading", threads)


def test_the_form_is_the_documented_one() -> None:
    """By hashlib alone, as the docstrings say it: two runs in the first piece, one in the third."""
    content = b"a" * 64 * KIB + bytes(64 * KIB) + b"b" * 100 + bytes(8 * MIB)
    content += b"c" * 100

    def run(start: int, blocks: bytes) -> bytes:
        return start.to_bytes(8, "big") + len(blocks).to_bytes(8, "big") + blocks

    first = hashlib.sha256(run(0, b"a" * 64 * KIB) + run(128 * KIB, (b"b" * 100).ljust(64 * KIB, b"\0"))).digest()
    third_start = (len(content) - 100) // (64 * KIB) * 64 * KIB
    third = hashlib.sha256(run(third_start, content[third_start:].ljust(64 * KIB, b"\0"))).digest()
    whole = hashlib.sha256((0).to_bytes(8, "big") + first + (2).to_bytes(8, "big") + third)
    assert digest(Disk(content)).digest.hexadecimal == whole.hexdigest()
    assert digest(Disk(content)).block_count == 3


def test_stored_zeros_and_holes_are_the_same() -> None:
    content = NOISE + bytes(9 * MIB) + NOISE[:70_000] + bytes(5 * MIB)
    stored = Disk(content)
    sparse = Disk(content, ((0, 3 * MIB), (12 * MIB, 70_000)))
    in_crumbs = Disk(content, (*((start, 4 * KIB) for start in range(0, 3 * MIB, 4 * KIB)), (12 * MIB, 70_000)))
    assert digest(stored) == digest(sparse) == digest(in_crumbs)


def test_zeros_behind_the_end_count_for_nothing() -> None:
    assert digest(Disk(NOISE[:1000])) == digest(Disk(NOISE[:1000] + bytes(5 * MIB)))


def test_a_disk_of_zeros_is_that_of_nothing() -> None:
    assert digest(Disk(bytes(9 * MIB))) == digest(Disk(b"", ())) == DiskDigest({}, 0)


def test_threads_change_nothing() -> None:
    content = NOISE * 9
    assert digest(Disk(content), 1) == digest(Disk(content), 5)
    assert list(digest(Disk(content), 5).pieces) == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("offset", [0, 64 * KIB, 4 * MIB - 1, 4 * MIB, 27 * MIB - 1])
def test_one_other_byte_is_found_in_its_piece(offset: int) -> None:
    content = bytearray(NOISE * 9)
    before = digest(Disk(bytes(content)))
    content[offset] ^= 1
    after = digest(Disk(bytes(content)))
    assert before.digest != after.digest
    with pytest.raises(IntegrityError) as failed:
        require_same_content(before, after)
    first = offset // (4 * MIB) * 4 * MIB
    assert str(failed.value.details).endswith(f"bytes {first} to {first + 4 * MIB - 1} of the disk")


def test_content_that_moved_by_a_block_or_a_piece_is_other_content() -> None:
    digests = {digest(Disk(bytes(gap) + NOISE)).digest.hexadecimal for gap in (0, 64 * KIB, 4 * MIB, 8 * MIB)}
    assert len(digests) == 4


def test_content_that_is_missing_or_more_is_found() -> None:
    short, long = digest(Disk(NOISE)), digest(Disk(NOISE + bytes(9 * MIB) + b"x"))
    for one, other in ((short, long), (long, short)):
        with pytest.raises(IntegrityError, match="content"):
            require_same_content(one, other)


def test_a_raw_file_and_what_qemu_img_makes_of_it_are_the_same(tmp_path: Path) -> None:
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as file:
        for offset in (0, 5 * MIB + 512, 64 * MIB - 512):
            file.seek(offset)
            file.write(NOISE[: min(len(NOISE), 64 * MIB - offset)])
    for number, options in enumerate([(), ("-c",), ("-o", "cluster_size=4k"), ("-o", "cluster_size=2M")]):
        qcow2 = tmp_path / f"{number}.qcow2"
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, raw, qcow2], check=True)
        with open_image(raw) as plain, open_image(qcow2) as opened:
            disk = Qcow2Disk(opened, read_qcow2_header(opened))
            of_raw = digest_disk(plain, Observer(), "reading", 2)
            assert digest_disk(disk, Observer(), "reading", 2) == of_raw
            assert len(of_raw.pieces) == 4
