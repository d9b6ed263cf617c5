"""Superblocks, as dumpe2fs, xfs_db and xfs_logprint tell them."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from byoi_tools.formats.filesystems.ext_superblock import read_ext_superblock
from byoi_tools.formats.filesystems.xfs_superblock import read_xfs_superblock
from byoi_tools.formats.source import Memory
from byoi_tools.model.guest.superblock import Superblock
from fixtures.variants.tree import loop_device, mounted
from tests.disk_images import OnDisk, run

EXT_OPTIONS = [
    ("-t", "ext2"),
    ("-t", "ext3", "-b", "1024"),
    ("-t", "ext4"),
    ("-t", "ext4", "-O", "^64bit,inline_data,casefold,encrypt,project,quota"),
    ("-t", "ext4", "-O", "orphan_file,metadata_csum_seed,large_dir,ea_inode,verity,stable_inodes,sparse_super2"),
    ("-t", "ext4", "-O", "bigalloc,mmp,meta_bg,^resize_inode"),
]


def ext(volume: Path) -> Superblock:
    found = read_ext_superblock(OnDisk(volume))
    assert found is not None
    return found


def xfs(volume: Path) -> Superblock:
    found = read_xfs_superblock(OnDisk(volume))
    assert found is not None
    return found


def dumped(volume: Path) -> dict[str, str]:
    lines = run("dumpe2fs", "-h", volume).splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


@pytest.mark.parametrize("options", EXT_OPTIONS, ids=" ".join)
def test_ext(options: tuple[str, ...], tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    run("mke2fs", "-q", "-F", *options, volume, "64M")
    found, told = ext(volume), dumped(volume)
    assert found.block_size_bytes == int(told["Block size"])
    assert found.size_bytes == int(told["Block count"]) * found.block_size_bytes
    assert found.free_bytes == int(told["Free blocks"]) * found.block_size_bytes
    assert found.free_inodes == int(told["Free inodes"])
    assert sorted(found.features) == sorted(told["Filesystem features"].split())
    assert found.problems == ()


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("set_super_value state 0", "not marked clean"),
        ("set_super_value state 3", "found errors"),
        ("feature needs_recovery", "its journal"),
        ("feature orphan_present", "deleted while open"),
    ],
)
def test_an_ext_that_was_not_unmounted(command: str, word: str, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "orphan_file", volume, "64M")
    run("debugfs", "-w", "-R", command, volume)
    (problem,) = ext(volume).problems
    assert word in problem


@pytest.mark.parametrize(
    "options", [(), ("-i", "nrext64=1"), ("-m", "rmapbt=1,reflink=0"), ("-m", "crc=0"), ("-b", "size=1024")]
)
def test_xfs(options: tuple[str, ...], tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    run("mkfs.xfs", "-q", *options, "-d", f"name={volume},file,size=300m")
    told = dict(re.findall(r"^(\w+) = (\S+)$", run("xfs_db", "-r", "-c", "sb 0", "-c", "print", volume), re.M))
    found = xfs(volume)
    assert found.block_size_bytes == int(told["blocksize"])
    assert found.size_bytes == int(told["dblocks"]) * found.block_size_bytes
    assert found.free_bytes == int(told["fdblocks"]) * found.block_size_bytes
    assert found.problems == ()
    info = run("xfs_info", volume)
    for feature in ("finobt", "sparse", "rmapbt", "reflink", "bigtime", "inobtcount", "nrext64", "ftype"):
        assert (feature in found.features) == (f"{feature}=1" in info and "crc=1" in info), feature


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("files", [1, 40])
def test_the_log_of_an_xfs(files: int, tmp_path: Path) -> None:
    volume, copy, point = tmp_path / "volume", tmp_path / "copy", tmp_path / "point"
    point.mkdir()
    run("mkfs.xfs", "-q", "-d", f"name={volume},file,size=300m")
    with ExitStack() as undo:
        device = undo.enter_context(loop_device(volume, 0, 300 << 20))
        undo.enter_context(mounted(["-t", "xfs", device], point))
        for number in range(files):
            (point / str(number)).write_text("text")
        run("sync", "-f", point)
        run("cp", "--sparse=always", volume, copy)
    for state, image in (("<DIRTY>", copy), ("<CLEAN>", volume)):
        assert state in run("xfs_logprint", "-t", image)
        assert bool(xfs(image).problems) == (state == "<DIRTY>")


@pytest.mark.parametrize("content", [b"", b"\xff" * 4096, b"XFSB" + b"\xff" * 4096, b"XFSB" + bytes(4096)])
def test_nonsense_is_read_without_an_error(content: bytes) -> None:
    read_ext_superblock(Memory(content))
    read_xfs_superblock(Memory(content))
    read_ext_superblock(Memory(bytes(1024) + content[:56].ljust(56, b"\xff") + b"\x53\xef" + b"\xff" * 2000))
