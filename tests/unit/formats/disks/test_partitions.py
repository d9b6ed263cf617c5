"""Which table counts when several things claim the disk, and what lies on the partitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.disks.partition_types import is_known_type, kind_of_byte, kind_of_guid
from byoi_tools.formats.disks.partitions import MAX_EXAMINED_PARTITIONS, read_disk
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from tests.disk_images import MIB, OnDisk, empty, memory, partitioned, patched, run

GPT = "label: gpt\nsize=2M, type=U\nsize=1M, type=L\n"
MBR = "label: dos\nsize=2M, type=ef\nsize=1M, type=83\n"


@pytest.fixture
def gpt(tmp_path: Path) -> bytes:
    return partitioned(tmp_path / "gpt", GPT).read_bytes()


@pytest.fixture
def mbr(tmp_path: Path) -> bytes:
    return partitioned(tmp_path / "mbr", MBR).read_bytes()


def scheme(source: Memory) -> tuple[TableScheme, int]:
    disk = read_disk(source)
    return disk.scheme, len(disk.partitions)


def test_a_source_without_a_sector_is_refused() -> None:
    with pytest.raises(ImageMalformed):
        read_disk(Memory(b""))


def test_nothing_is_no_table() -> None:
    assert scheme(Memory(bytes(MIB))) == (TableScheme.NONE, 0)


def test_gpt_behind_its_protective_mbr_counts(gpt: bytes) -> None:
    assert scheme(Memory(gpt)) == (TableScheme.GPT, 2)
    assert scheme(patched(gpt, 512, bytes(512))) == (TableScheme.GPT, 2)  # by the backup
    assert scheme(patched(gpt, -512, bytes(512))) == (TableScheme.GPT, 2)
    assert scheme(patched(gpt, 512 + 60, b"\xff")) == (TableScheme.GPT, 2)  # by the backup, too


def test_gpt_behind_a_damaged_protective_mbr_counts(gpt: bytes) -> None:
    assert scheme(patched(gpt, 0, bytes(512))) == (TableScheme.GPT, 2)
    assert scheme(patched(gpt, 510, bytes(2))) == (TableScheme.GPT, 2)
    assert scheme(patched(gpt, 446, bytes(64))) == (TableScheme.GPT, 2)


def test_stale_gpt_behind_an_mbr_with_partitions_does_not_count(gpt: bytes, mbr: bytes) -> None:
    disk = read_disk(patched(gpt, 0, mbr[:512]))

    assert disk.scheme is TableScheme.MBR
    assert disk.gpt is not None
    assert [p.partition.type_code for p in disk.partitions] == ["0xEF", "0x83"]


@pytest.mark.parametrize("maker", [["mkfs.fat", "-F", "16"], ["mkfs.ext4", "-q", "-F"]], ids=["fat", "ext4"])
def test_stale_gpt_behind_a_file_system_does_not_count(tmp_path: Path, gpt: bytes, maker: list[str]) -> None:
    path = tmp_path / "volume"
    run(*maker, empty(path, 16 * MIB))
    volume = path.read_bytes()
    run("sfdisk", "--quiet", empty(path, 16 * MIB), stdin=GPT)
    disk = read_disk(patched(volume, -512, path.read_bytes()[-512:]))

    assert disk.scheme is TableScheme.NONE
    assert disk.gpt is not None
    assert disk.whole_disk is not None


def test_protective_mbr_without_a_gpt_is_no_table(gpt: bytes) -> None:
    """As Linux sees it: "If this is an EFI GPT disk, msdos should ignore it" (block/partitions/msdos.c)."""
    disk = read_disk(Memory(gpt[:512] + bytes(MIB)))

    assert (disk.scheme, disk.partitions) == (TableScheme.NONE, ())
    assert len(disk.mbr.protective_entries) == 1


def test_slots_without_sectors_are_no_partitions(mbr: bytes) -> None:
    assert scheme(patched(mbr, 446 + 16 + 12, bytes(4))) == (TableScheme.MBR, 1)


def test_empty_tables_are_tables(tmp_path: Path) -> None:
    assert scheme(memory(partitioned(tmp_path / "1", "label: gpt\n"))) == (TableScheme.GPT, 0)
    assert scheme(memory(partitioned(tmp_path / "2", "label: dos\n"))) == (TableScheme.MBR, 0)


def test_file_system_behind_an_empty_mbr_is_no_table(tmp_path: Path) -> None:
    path = empty(tmp_path / "volume", 8 * MIB)
    run("mkfs.ext4", "-q", "-F", path)

    assert scheme(patched(path.read_bytes(), 510, b"\x55\xaa")) == (TableScheme.NONE, 0)


@pytest.mark.parametrize("maker", [["mkfs.fat", "-F", "32"], ["mkfs.ext4", "-q", "-F"]], ids=["fat", "ext4"])
def test_file_system_without_a_table_is_told(tmp_path: Path, maker: list[str]) -> None:
    path = empty(tmp_path / "volume", 40 * MIB)
    run(*maker, path)
    disk = read_disk(memory(path))

    assert (disk.scheme, disk.partitions) == (TableScheme.NONE, ())
    assert disk.whole_disk is not None


def test_partitions_are_told_with_what_lies_on_them(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", "label: gpt\nsize=2M, type=U, name=EFI\nsize=2M, type=L\nsize=1M, type=S\n")
    run("mkfs.fat", "-n", "ESP", "-i", "12345678", "--offset", "2048", path, "2048")
    run("mkfs.ext4", "-q", "-E", "offset=3145728", "-L", "root", path, "2M")
    disk = read_disk(memory(path))

    assert [
        (p.partition.kind, p.file_system and (p.file_system.name, p.file_system.label)) for p in disk.partitions
    ] == [
        (PartitionKind.ESP, ("vfat", "ESP")),
        (PartitionKind.LINUX_FILE_SYSTEM, ("ext4", "root")),
        (PartitionKind.LINUX_SWAP, None),
    ]
    assert disk.whole_disk is None
    assert [str(p) for p in disk.partitions_of_kind(PartitionKind.ESP)] == ["partition 1"]


def test_partitions_past_the_end_hold_nothing_and_are_told(gpt: bytes) -> None:
    disk = read_disk(Memory(gpt[: 2 * MIB]))

    assert len(disk.partitions) == 2
    assert [p.file_system for p in disk.partitions] == [None, None]
    assert disk.size_bytes == 2 * MIB


def test_no_more_partitions_are_examined_than_linux_knows(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", "label: gpt\ntable-length: 300\n" + "size=1\n" * 300, 310 * MIB)
    first, last = MAX_EXAMINED_PARTITIONS - 1, MAX_EXAMINED_PARTITIONS
    with path.open("r+b") as file:
        for found in read_disk(OnDisk(path)).partitions[first : last + 1]:
            file.seek(found.partition.sectors.start_bytes)
            file.write(b"LABELONE".ljust(24, b"\0") + b"LVM2 001")
    disk = read_disk(OnDisk(path))

    assert len(disk.partitions) == 300
    assert disk.partitions[first].file_system is not None
    assert disk.partitions[last].file_system is None


def test_legacy_boot_attribute_is_the_active_mark_of_a_gpt(tmp_path: Path) -> None:
    script = "label: gpt\nsize=1M\nsize=1M, attrs=LegacyBIOSBootable\n"
    disk = read_disk(memory(partitioned(tmp_path / "disk", script)))

    assert [p.partition.is_active for p in disk.partitions] == [False, True]


@pytest.mark.parametrize(
    ("shortcut", "kind"),
    [
        ("uefi", PartitionKind.ESP),
        ("linux", PartitionKind.LINUX_FILE_SYSTEM),
        ("swap", PartitionKind.LINUX_SWAP),
        ("home", PartitionKind.LINUX_HOME),
        ("raid", PartitionKind.LINUX_RAID),
        ("lvm", PartitionKind.LINUX_LVM),
        ("Linux root (x86-64)", PartitionKind.LINUX_ROOT),
        ("Linux root (ARM-64)", PartitionKind.LINUX_ROOT),
        ("Linux /usr (x86-64)", PartitionKind.LINUX_HOME),
        ("Linux root verity (x86-64)", PartitionKind.LINUX_VERITY),
        ("Linux /usr verity sign. (x86-64)", PartitionKind.LINUX_VERITY),
        ("Linux extended boot", PartitionKind.LINUX_BOOT),
        ("BIOS boot", PartitionKind.BIOS_BOOT),
        ("Microsoft reserved", PartitionKind.MICROSOFT_RESERVED),
        ("Microsoft basic data", PartitionKind.MICROSOFT_BASIC_DATA),
        ("Windows recovery environment", PartitionKind.MICROSOFT_RECOVERY),
        ("FreeBSD boot", PartitionKind.FREEBSD_BOOT),
        ("FreeBSD UFS", PartitionKind.FREEBSD_FILE_SYSTEM),
        ("FreeBSD swap", PartitionKind.FREEBSD_SWAP),
        ("FreeBSD ZFS", PartitionKind.SOLARIS_ZFS),
        ("Solaris /usr & Apple ZFS", PartitionKind.SOLARIS_ZFS),
    ],
)
def test_type_guids_are_those_of_sfdisk(tmp_path: Path, shortcut: str, kind: PartitionKind) -> None:
    disk = read_disk(memory(partitioned(tmp_path / "disk", f'label: gpt\nsize=1M, type="{shortcut}"\n')))
    (found,) = disk.partitions

    assert found.partition.kind is kind
    assert is_known_type(found.partition.type_code)


def test_types_that_nobody_knows_are_unknown() -> None:
    assert kind_of_guid("01234567-89AB-CDEF-0123-456789ABCDEF") is PartitionKind.UNKNOWN
    assert kind_of_byte(0x99) is PartitionKind.UNKNOWN
    assert not is_known_type("01234567-89AB-CDEF-0123-456789ABCDEF")
    assert not is_known_type("0x99")
    assert is_known_type("0x83")
    assert is_known_type("9E1A2D38-C612-4316-AA26-8B49521E5A8B")  # PowerPC PReP: known, but nothing that we treat
