"""Initramfs images packed by the programs that distributions use, listed by us and by initramfs-tools."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoi_tools.formats.boot.initramfs import list_initramfs
from byoi_tools.formats.source import Memory
from fixtures.tiny import kernel_image
from fixtures.tiny.good_files.kernels import INITRAMFS_FILES
from fixtures.tiny.initramfs import MICROCODE, cpio, initramfs

PROGRAMS = {
    "gzip": ["gzip", "-9n"],
    "bzip2": ["bzip2", "-9"],
    "lzma": ["xz", "--format=lzma", "-6"],
    "xz": ["xz", "--check=crc32", "-6"],
    "lz4": ["lz4", "-l", "-9"],
    "zstd": ["zstd", "-q", "-19", "-T2"],
}


def packed(directory: Path, files: dict[str, bytes]) -> bytes:
    """A newc archive of a directory with these files, by cpio."""
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    names = subprocess.run(["find", "."], cwd=directory, capture_output=True, check=True).stdout
    command = ["cpio", "--quiet", "-o", "-H", "newc"]
    return subprocess.run(command, input=names, cwd=directory, capture_output=True, check=True).stdout


def filtered(command: list[str], data: bytes) -> bytes:
    return subprocess.run([*command, "-c"], input=data, capture_output=True, check=True).stdout


def ours(image: bytes) -> list[str]:
    listing = list_initramfs(Memory(image), lambda path, size: False)
    assert (listing.damage, listing.unread) == ("", "")
    return [entry.path for entry in listing.entries]


def theirs(path: Path) -> list[str]:
    return subprocess.run(["lsinitramfs", path], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("compression", PROGRAMS)
@pytest.mark.parametrize("microcode", [b"", cpio(MICROCODE)], ids=["alone", "behind microcode"])
def test_both_list_the_same_files(compression: str, microcode: bytes, tmp_path: Path) -> None:
    archive = packed(tmp_path / "root", INITRAMFS_FILES | {"etc/name with spaces": b"\0" * 5000})
    image = tmp_path / "initrd.img"
    image.write_bytes(microcode + filtered(PROGRAMS[compression], archive))
    assert ours(image.read_bytes()) == theirs(image)
    assert len(ours(image.read_bytes())) > 60


def test_the_good_guests_initramfs_is_one(tmp_path: Path) -> None:
    image = tmp_path / "initrd.img"
    image.write_bytes(initramfs(INITRAMFS_FILES))
    assert ours(image.read_bytes()) == theirs(image)


def test_lzop_is_recognised() -> None:
    listing = list_initramfs(Memory(filtered(["lzop"], cpio(INITRAMFS_FILES))), lambda path, size: False)
    assert listing.segments == ("lzop",)
    assert listing.damage == ""


def test_file_sees_a_kernel_of_the_same_release(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(kernel_image.build("6.1.0-41-amd64"))
    said = subprocess.run(["file", "-b", tmp_path / "vmlinuz"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("Linux kernel x86 boot executable bzImage, version 6.1.0-41-amd64 (")
