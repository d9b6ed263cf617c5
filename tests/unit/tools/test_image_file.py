from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from byoi_tools.errors import ImageUnreadable
from byoi_tools.tools.image_file import open_image


def refuse(path: Path) -> ImageUnreadable:
    """What `open_image` raises, which always shows the path and a remedy."""
    with pytest.raises(ImageUnreadable) as caught:
        open_image(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy
    return caught.value


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@contextmanager
def nobody() -> Iterator[None]:
    """Work as a user without rights; skips where that is not possible."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)


def test_a_file_is_read_by_offset(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(range(256)))
    with open_image(path) as image:
        assert image.size_bytes == 256
        assert image.read_at(10, 3) == b"\x0a\x0b\x0c"
        assert image.read_at(250, 100) == bytes(range(250, 256))
        assert image.read_at(256, 1) == image.read_at(9999, 1) == image.read_at(-1, 5) == image.read_at(0, -1) == b""


def test_closing_gives_the_descriptor_back(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"x")
    before = open_descriptors()
    with open_image(path):
        assert open_descriptors() == before + 1
    assert open_descriptors() == before


def test_a_descriptor_is_not_inherited_by_programs(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"x")
    with open_image(path):
        listing = ["ls", "-l", "/proc/self/fd"]
        shown = subprocess.run(listing, capture_output=True, text=True, check=True, close_fds=False).stdout
    assert "disk.raw" not in shown


def test_a_sparse_file_occupies_what_du_says(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.write(b"x" * 100_000)
        file.truncate(50 << 20)
    told = int(subprocess.run(["du", "--block-size=1", path], capture_output=True, check=True).stdout.split()[0])
    with open_image(path) as image:
        assert (image.size_bytes, image.allocated_bytes) == (50 << 20, told)
        assert image.allocated_bytes < 1 << 20


def test_the_identity_tells_a_changed_or_exchanged_file(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"one")
    with open_image(path) as first, open_image(path) as same:
        assert first.identity == same.identity
        status = path.stat()
        assert (first.identity.inode, first.identity.modified_ns) == (status.st_ino, status.st_mtime_ns)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        with open_image(path) as touched:
            assert touched.identity != first.identity
        path.rename(tmp_path / "old.raw")
        path.write_bytes(b"one")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        with open_image(path) as exchanged:
            assert exchanged.identity != first.identity


def test_a_file_that_shrinks_meanwhile_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"0123456789")
    with open_image(path) as image:
        os.truncate(path, 4)
        assert image.read_at(2, 8) == b"23"


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(b"content")
    (tmp_path / "link").symlink_to("disk.raw")
    with open_image(tmp_path / "link") as image:
        assert image.read_at(0, 100) == b"content"


def test_what_is_not_there(tmp_path: Path) -> None:
    assert "there is no file" in refuse(tmp_path / "absent.qcow2").message
    (tmp_path / "link").symlink_to("nowhere")
    assert "there is no file" in refuse(tmp_path / "link").message


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.touch()
    before = open_descriptors()
    assert "is empty" in refuse(path).message
    assert open_descriptors() == before


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in refuse(tmp_path).message


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is a FIFO" in refuse(tmp_path / "pipe").message


def test_a_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert "is a socket" in refuse(tmp_path / "socket").message


def test_character_devices() -> None:
    assert "is a character device" in refuse(Path("/dev/null")).message
    assert "is a character device" in refuse(Path("/dev/zero")).message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device node")
def test_a_block_device_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    try:
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("device nodes are not allowed here")
    error = refuse(path)
    assert "is a block device" in error.message
    assert f"dd if={path} of=image.raw" in error.remedy


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(b"x")
    path.chmod(0)
    with nobody():
        assert "may not be read" in refuse(path).message


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "disk.raw/inside"])
def test_paths_that_cannot_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "disk.raw").write_bytes(b"x")
    assert "cannot be read" in refuse(tmp_path / name).message


def test_a_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refuse(tmp_path / "a").details
