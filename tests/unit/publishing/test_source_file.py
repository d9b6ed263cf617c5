from __future__ import annotations

import os
from pathlib import Path

import pytest

from byoi_tools.errors import ImageUnreadable, StorageError
from byoi_tools.publishing.source_file import SourceFile


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.raw"
    path.write_bytes(b"0123456789")
    return path


def test_untouched_file_is_unchanged(image: Path) -> None:
    source = SourceFile.observe(image)
    image.read_bytes()

    source.require_unchanged()

    assert source.size_bytes == 10
    assert (source.read_at(0, 3), source.read_at(8, 100)) == (b"012", b"89")


def test_appended_file_is_changed(image: Path) -> None:
    source = SourceFile.observe(image)
    with image.open("ab") as file:
        file.write(b"x")

    with pytest.raises(StorageError) as caught:
        source.require_unchanged()

    assert "size" in str(caught.value.details)


def test_rewritten_file_of_the_same_size_is_changed(image: Path) -> None:
    source = SourceFile.observe(image)
    os.utime(image, ns=(0, source.identity.modified_ns + 1))

    with pytest.raises(StorageError) as caught:
        source.require_unchanged()

    assert "time of modification" in str(caught.value.details)


def test_replaced_file_with_the_same_time_is_changed(image: Path) -> None:
    source = SourceFile.observe(image)
    other = image.with_name("other")
    other.write_bytes(b"9876543210")
    os.utime(other, ns=(0, source.identity.modified_ns))
    other.replace(image)

    with pytest.raises(StorageError) as caught:
        source.require_unchanged()

    assert "file behind the name" in str(caught.value.details)


def test_removed_file_is_changed(image: Path) -> None:
    source = SourceFile.observe(image)
    image.unlink()

    with pytest.raises(StorageError):
        source.require_unchanged()
    with pytest.raises(ImageUnreadable):
        source.read_at(0, 1)


def test_what_is_no_file_with_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")

    for name in ("empty", "directory", "fifo", "loop", "missing", "n" * 300, "nul\0"):
        with pytest.raises(ImageUnreadable):
            SourceFile.observe(tmp_path / name)
    with pytest.raises(ImageUnreadable):
        SourceFile.observe(Path(os.devnull))
