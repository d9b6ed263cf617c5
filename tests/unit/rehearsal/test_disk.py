"""What is done to a disk, judged by sgdisk and sfdisk."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from threading import Event

import pytest

from byoi_tools.rehearsal.disk import append_config_drive, erase, move_gpt_backup
from byoi_tools.rehearsal.refusals import InstallationError
from tests.unit.simulator.outside import sh

NO_DRIVE = r"^Could not create configdrive on disk\.$"


@pytest.fixture
def iso(tmp_path: Path) -> Path:
    """Something to put on the config drive partition."""
    path = tmp_path / "drive.iso"
    path.write_bytes(b"the config drive")
    return path


def make_table(path: Path, size: str, script: str) -> Path:
    sh(f"truncate -s {size} {path}")
    sh(f"sfdisk --quiet --no-reread --no-tell-kernel {path}", script=script)
    return path


def starts(disk: Path) -> list[int]:
    table = json.loads(sh(f"sfdisk --json {disk}"))["partitiontable"]
    return [entry["start"] for entry in table["partitions"]]


def test_erasing_leaves_a_disk_of_holes(tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"old content")
    erase(disk, 10**12)
    assert (disk.stat().st_size, disk.stat().st_blocks) == (10**12, 0)


@pytest.mark.parametrize("label", ["gpt", "dos"])
def test_the_config_drive_is_the_last_partition(tmp_path: Path, iso: Path, label: str) -> None:
    disk = make_table(tmp_path / "disk.raw", "64M", f"label: {label}\nsize=8M\n")
    append_config_drive(iso, disk, Event())
    first, last = starts(disk)
    assert first == 2048
    with disk.open("rb") as file:
        file.seek(last * 512)
        assert file.read(16) == b"the config drive"
    assert last * 512 >= 61 * 2**20


def test_boot_code_in_the_first_sector_survives(tmp_path: Path, iso: Path) -> None:
    disk = make_table(tmp_path / "disk.raw", "64M", "label: gpt\nsize=8M\n")
    with disk.open("r+b") as file:
        file.write(b"boot code")
    append_config_drive(iso, disk, Event())
    assert disk.read_bytes()[:9] == b"boot code"


@pytest.mark.parametrize(
    ("size", "script"),
    [
        ("16M", "label: gpt\n,,\n"),
        ("16M", "label: dos\n,,\n"),
        ("16M", "label: dos\n" + "size=1M\n" * 4),
        ("16M", "label: dos\nsize=1M\nsize=1M\nsize=1M\nsize=4M, type=5\nsize=1M\n"),
        ("16M", "label: gpt\ntable-length: 4\n" + "size=1M\n" * 4),
    ],
    ids=["gpt full", "mbr full", "four primaries", "three primaries and an extended", "no entry left"],
)
def test_without_slot_or_space_there_is_no_config_drive(tmp_path: Path, iso: Path, size: str, script: str) -> None:
    disk = make_table(tmp_path / "disk.raw", size, script)
    before = starts(disk)
    with pytest.raises(InstallationError, match=NO_DRIVE):
        append_config_drive(iso, disk, Event())
    assert starts(disk) == before


def test_an_mbr_cannot_hold_a_config_drive_beyond_2_tib(tmp_path: Path, iso: Path) -> None:
    disk = make_table(tmp_path / "disk.raw", "8M", "label: dos\nsize=1M\n")
    sh(f"truncate -s 4000000000000 {disk}")
    with pytest.raises(InstallationError, match=NO_DRIVE):
        append_config_drive(iso, disk, Event())


def test_a_disk_without_a_table_gets_no_config_drive(tmp_path: Path, iso: Path) -> None:
    disk = tmp_path / "disk.raw"
    erase(disk, 2**24)
    with pytest.raises(InstallationError, match=NO_DRIVE):
        append_config_drive(iso, disk, Event())


def test_an_mbr_has_no_backup_to_move(tmp_path: Path) -> None:
    disk = make_table(tmp_path / "disk.raw", "8M", "label: dos\nsize=1M\n")
    before = disk.read_bytes()
    move_gpt_backup(disk, Event())
    assert disk.read_bytes() == before


def test_a_gpt_whose_partitions_overlap_is_refused(tmp_path: Path) -> None:
    disk = make_table(tmp_path / "disk.raw", "8M", "label: gpt\nsize=1M\nsize=1M\n")
    with disk.open("r+b") as file:
        sectors = bytearray(file.read(34 * 512))
        sectors[1024 + 128 + 32 : 1024 + 128 + 40] = (2048).to_bytes(8, "little")
        # UEFI 2.10, table 5.5: CRC of the entries at 88, CRC of the header (over itself as zero) at 16.
        sectors[512 + 88 : 512 + 92] = zlib.crc32(sectors[1024:]).to_bytes(4, "little")
        sectors[512 + 16 : 512 + 20] = bytes(4)
        sectors[512 + 16 : 512 + 20] = zlib.crc32(sectors[512 : 512 + 92]).to_bytes(4, "little")
        file.seek(0)
        file.write(sectors)
    assert "overlap" in sh(f"sgdisk -v {disk}").lower()
    with pytest.raises(InstallationError, match=r"^Can not move backup GPT data structures to the end of disk\.$"):
        move_gpt_backup(disk, Event())
