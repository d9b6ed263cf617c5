from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.source import Memory
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.publishing.digests import digest_file

BLOCK = 4 * 2**20
PROGRAMS = {
    DigestAlgorithm.MD5: "md5sum",
    DigestAlgorithm.SHA1: "sha1sum",
    DigestAlgorithm.SHA256: "sha256sum",
    DigestAlgorithm.SHA512: "sha512sum",
}


def make_content(size: int) -> bytes:
    return b"".join(number.to_bytes(4) for number in range(size // 4 + 1))[:size]


class Progress(Observer):
    def __init__(self) -> None:
        self.told: list[tuple[str, int | None]] = []

    def work_started(self, work: str, total_bytes: int | None) -> None:
        self.told.append((f"start {work}", total_bytes))

    def work_advanced(self, work: str, done_bytes: int) -> None:
        self.told.append((work, done_bytes))

    def work_finished(self, work: str) -> None:
        self.told.append((f"end {work}", None))


class Shrinking(Memory):
    """A file that lost its end after its size was read."""

    @property
    def size_bytes(self) -> int:
        return len(self.content) + 1


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 12_345])
def test_digests_are_those_of_coreutils(tmp_path: Path, size: int) -> None:
    path = tmp_path / "image"
    path.write_bytes(make_content(size))

    digests = digest_file(Memory(path.read_bytes()), PROGRAMS, Observer())

    for digest, (algorithm, program) in zip(digests, PROGRAMS.items(), strict=True):
        expected = subprocess.run([program, str(path)], capture_output=True, check=True, text=True).stdout.split()[0]
        assert (digest.algorithm, digest.hexadecimal) == (algorithm, expected)


def test_digests_come_in_the_order_asked_for() -> None:
    asked = (DigestAlgorithm.SHA512, DigestAlgorithm.MD5)

    assert tuple(digest.algorithm for digest in digest_file(Memory(b"x"), asked, Observer())) == asked


def test_progress_is_told_in_blocks() -> None:
    progress = Progress()

    digest_file(Memory(bytes(BLOCK + 10)), [DigestAlgorithm.MD5], progress)

    assert progress.told == [
        ("start hashing", BLOCK + 10),
        ("hashing", BLOCK),
        ("hashing", BLOCK + 10),
        ("end hashing", None),
    ]


def test_source_that_ends_early_is_an_error() -> None:
    with pytest.raises(ImageMalformed):
        digest_file(Shrinking(b"abc"), [DigestAlgorithm.SHA256], Observer())
