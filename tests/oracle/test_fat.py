"""FAT volumes by mkfs.fat, mformat and mtools, read by us, by mtools and by fsck.fat."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from byoi_tools.formats.filesystems.fat import FatFileSystem
from tests.disk_images import MIB, OnDisk, empty, judgement, run

KIB = 1024
MAKERS: dict[str, tuple[int, list[str]]] = {
    "FAT12 of 1.4 MiB": (1440 * KIB, ["mkfs.fat", "-F", "12"]),
    "FAT12, one FAT, one sector": (300 * KIB, ["mkfs.fat", "-F", "12", "-f", "1", "-s", "1"]),
    "FAT12 of 8 MiB": (8 * MIB, ["mkfs.fat", "-F", "12", "-s", "8"]),
    "FAT12, nearly FAT16": (2061 * KIB, ["mkfs.fat", "-F", "12", "-s", "1", "-r", "224", "-a"]),
    "FAT16 of 9 MiB": (9 * MIB, ["mkfs.fat", "-F", "16"]),
    "FAT16, many root entries": (33 * MIB, ["mkfs.fat", "-F", "16", "-r", "2048", "-n", "BOOT"]),
    "FAT16, sectors of 4096": (40 * MIB, ["mkfs.fat", "-F", "16", "-S", "4096", "-s", "1"]),
    "FAT32 of 34 MiB": (34 * MIB, ["mkfs.fat", "-F", "32", "-s", "1", "-n", "EFI"]),
    "FAT32 of 100 MiB": (100 * MIB, ["mkfs.fat", "-F", "32"]),
    "FAT32, sectors of 4096": (264 * MIB, ["mkfs.fat", "-F", "32", "-S", "4096", "-s", "1"]),
    "FAT32, sectors of 1024, one FAT": (
        80 * MIB,
        ["mkfs.fat", "-F", "32", "-S", "1024", "-s", "1", "-f", "1", "-R", "8"],
    ),
    "mformat, FAT12": (1440 * KIB, ["mformat", "-f", "1440", "-v", "FLOPPY", "::", "-i"]),
    "mformat, FAT16": (20 * MIB, ["mformat", "-T", str(20 * 2048), "-h", "16", "-s", "63", "::", "-i"]),
    "mformat, FAT32": (
        64 * MIB,
        ["mformat", "-F", "-T", str(64 * 2048), "-h", "16", "-s", "63", "-c", "1", "::", "-i"],
    ),
    "mformat, sectors of 1024": (4 * MIB, ["mformat", "-S", "3", "-T", "4096", "-h", "2", "-s", "16", "::", "-i"]),
}


@pytest.fixture(params=MAKERS)
def volume(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    size, maker = MAKERS[request.param]
    path = empty(tmp_path / "volume", size)
    run(*maker, path)
    return path


def fill(path: Path, folder: Path) -> None:
    """Long and short names, depth, deleted files, empty ones, and files in pieces."""
    chance = random.Random(7)  # noqa: S311
    (folder / "piece").write_bytes(chance.randbytes(3000))
    (folder / "large").write_bytes(chance.randbytes(60_000))
    (folder / "empty").write_bytes(b"")
    names = (
        "SHORT.TXT",
        "lower.txt",
        "Mixed.Case.efi",
        "no extension",
        "Größe und 日本語 🐧.conf",
        "x" * 200,
        ".hidden",
    )
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT", "::/EFI/debian", "::/efi2", "::/a long directory name")
    for name in names:
        run("mcopy", "-i", path, folder / "piece", f"::/EFI/BOOT/{name}")
    for number in range(12):
        run("mcopy", "-i", path, folder / "piece", f"::/efi2/piece{number}")
    run("mdel", "-i", path, *(f"::/efi2/piece{number}" for number in range(0, 12, 2)))
    run("mcopy", "-i", path, folder / "large", "::/a long directory name/in pieces.bin")
    run("mcopy", "-i", path, folder / "empty", "::/EFI/debian/empty")
    run("mdel", "-i", path, "::/EFI/BOOT/no extension")
    deep = "::/deep"
    for _ in range(8):
        run("mmd", "-i", path, deep)
        deep += "/level"


def listed_by_mtools(path: Path) -> list[str]:
    return sorted(
        line.removeprefix("::/").rstrip("/") for line in run("mdir", "-i", path, "-/", "-b", "-a", "::").splitlines()
    )


def test_new_volume_has_the_geometry_that_fsck_says(volume: Path) -> None:
    words = judgement("fsck.fat", "-n", "-v", volume)
    state = FatFileSystem(OnDisk(volume)).volume

    def number(pattern: str) -> int:
        found = re.search(pattern, words)
        assert found, words
        return int(found[1])

    assert state.bytes_per_sector == number(r"(\d+) bytes per logical sector")
    assert state.cluster_size_bytes == number(r"(\d+) bytes per cluster")
    assert state.reserved_sectors == number(r"(\d+) reserved sector")
    assert state.fat_count == number(r"(\d+) FATs?, ")
    assert state.fat_bits == number(r"FATs?, (\d+) bit entries")
    assert state.fat_size_sectors == number(r"per FAT \(= (\d+) sectors")
    assert state.cluster_count == number(r"(\d+) data clusters")
    assert state.total_sectors == number(r"(\d+) sectors total")
    assert state.cluster_count - state.free_cluster_count == number(r"files, (\d+)/\d+ clusters")
    assert state.are_fats_equal
    assert not state.is_dirty
    assert state.geometry_problems == ()


def test_serial_number_and_label_are_those_of_mtools(volume: Path) -> None:
    words = run("minfo", "-i", volume, "::")
    state = FatFileSystem(OnDisk(volume)).volume

    assert f"serial number: {state.volume_id:08X}" in words
    assert f'disk label="{state.label or "NO NAME":11}"' in words


def test_files_are_those_of_mtools(volume: Path, tmp_path: Path) -> None:
    fill(volume, tmp_path)
    assert "Dirty" not in judgement("fsck.fat", "-n", volume)
    files = FatFileSystem(OnDisk(volume))

    entries = files.walk()

    assert sorted(entry.path for entry in entries) == listed_by_mtools(volume)
    for entry in entries:
        if entry.is_directory:
            continue
        run("mcopy", "-n", "-i", volume, f"::/{entry.path}", tmp_path / "copy")
        wanted = (tmp_path / "copy").read_bytes()
        assert entry.size_bytes == len(wanted)
        assert files.read(entry.path, 1 << 30) == wanted
        assert files.read(entry.path.upper(), 100) == wanted[:100]
        middle = files.open(entry.path)
        assert middle.read_at(777, 5000) == wanted[777:5777]
        assert middle.read_at(len(wanted), 1) == b""


def test_filled_volume_has_the_free_clusters_that_fsck_says(volume: Path, tmp_path: Path) -> None:
    fill(volume, tmp_path)
    words = judgement("fsck.fat", "-n", "-v", volume)
    state = FatFileSystem(OnDisk(volume)).volume

    used = re.search(r"files, (\d+)/(\d+) clusters", words)
    assert used, words
    assert (state.cluster_count - state.free_cluster_count, state.cluster_count) == (int(used[1]), int(used[2]))
    assert state.geometry_problems == ()


def test_large_file_lies_in_pieces(tmp_path: Path) -> None:
    """The volumes above do test fragments: mtools fills the gaps that deleted files left."""
    path = empty(tmp_path / "volume", 1440 * KIB)
    run("mkfs.fat", "-F", "12", path)
    fill(path, tmp_path)

    assert len(FatFileSystem(OnDisk(path)).open("a long directory name/in pieces.bin").runs) > 1


@pytest.mark.parametrize(("bits", "offset"), [(12, 0x25), (16, 0x25), (32, 0x41)])
def test_dirty_mark_is_what_fsck_sees(tmp_path: Path, bits: int, offset: int) -> None:
    path = empty(tmp_path / "volume", 40 * MIB if bits == 32 else 10 * MIB)
    run("mkfs.fat", "-F", str(bits), path)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\x01")

    assert "Dirty bit is set" in judgement("fsck.fat", "-n", path)
    assert FatFileSystem(OnDisk(path)).volume.is_dirty


def test_different_fats_are_what_fsck_sees(tmp_path: Path) -> None:
    path = empty(tmp_path / "volume", 10 * MIB)
    run("mkfs.fat", "-F", "16", path)
    before = FatFileSystem(OnDisk(path)).volume
    with path.open("r+b") as file:
        file.seek((before.reserved_sectors + before.fat_size_sectors) * 512 + 100)
        file.write(b"\xff\xff")

    assert "FATs differ" in judgement("fsck.fat", "-n", path)
    assert not FatFileSystem(OnDisk(path)).volume.are_fats_equal


def test_too_small_fat32_is_what_mkfs_warns_of(tmp_path: Path) -> None:
    path = empty(tmp_path / "volume", 32 * MIB)

    assert "less then suggested minimum" in judgement("mkfs.fat", "-F", "32", "-s", "1", path)
    (problem,) = FatFileSystem(OnDisk(path)).volume.geometry_problems
    assert "FAT32" in problem
