"""The worst that an image can ask of the readers of disks stays within two seconds and 256 MiB."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path

import pytest

from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.formats.filesystems.fat import FatFileSystem
from byoi_tools.formats.filesystems.fat_file import MAX_FILE_CLUSTERS
from byoi_tools.formats.source import ByteSource
from tests.disk_images import MIB, empty, partitioned, run
from tests.hostile_sources import Damaged, survives
from tests.pe_images import pe_image
from tests.property.test_disk_readers import read_program, read_volume


def fat32_boot_sector(cluster_count: int, *, fat_bytes: int | None = None, per_cluster: int = 1) -> bytes:
    """A boot sector of a FAT32 volume with 32 reserved sectors, one FAT, and the root directory in cluster 2."""
    fat_sectors = -(-(fat_bytes or (cluster_count + 2) * 4) // 512)
    total = 32 + fat_sectors + cluster_count * per_cluster
    head = b"\xeb\x58\x90MSWIN4.1" + struct.pack(
        "<HBHBHHBHHHII", 512, per_cluster, 32, 1, 0, 0, 0xF8, 0, 63, 16, 0, total
    )
    return (head + struct.pack("<IHHIHH", fat_sectors, 0, 0, 2, 1, 0)).ljust(510, b"\0") + b"\x55\xaa"


def fat32_volume(entries: array[int], data: bytes = b"", *, per_cluster: int = 1) -> Damaged:
    """The volume with this FAT, whose clusters from 2 on hold `data` and then zeros."""
    count = len(entries) - 2
    boot = fat32_boot_sector(count, per_cluster=per_cluster).ljust(32 * 512, b"\0")
    content = boot + entries.tobytes().ljust(-(-len(entries) * 4 // 512) * 512, b"\0") + data
    return Damaged(content, len(content) + count * per_cluster * 512 - len(data))


def slot(name: str, cluster: int, size: int = 0, attributes: int = 0) -> bytes:
    return struct.pack("<11sB8xHHHHI", name.encode().ljust(11), attributes, cluster >> 16, 0, 0, cluster & 0xFFFF, size)


def test_the_volume_built_here_is_a_volume(tmp_path: Path) -> None:
    """Otherwise the tests below would prove nothing: mtools lists it."""
    entries = array("I", [0x0FFFFFF8, 0x0FFFFFFF] + [0x0FFFFFFF] * 70_000)
    volume = fat32_volume(entries, slot("FILE    TXT", 3, 5).ljust(512, b"\0") + b"hello")
    path = tmp_path / "volume"
    path.write_bytes(volume.read_at(0, volume.size_bytes))

    assert run("mtype", "-i", path, "::/FILE.TXT") == "hello"
    assert FatFileSystem(volume).read("FILE.TXT", 9) == b"hello"
    assert FatFileSystem(volume).volume.geometry_problems == ()


def test_a_file_in_as_many_pieces_as_it_has_clusters() -> None:
    """Every second cluster, so that no two are neighbours."""
    count = 2 * MAX_FILE_CLUSTERS + 10
    entries = array("I", [0x0FFFFFF8, 0x0FFFFFFF, 0x0FFFFFFF, 0]) + array("I", [n + 2 for n in range(4, count)])
    size = MAX_FILE_CLUSTERS * 512
    volume = fat32_volume(entries, slot("FILE", 4, size).ljust(512, b"\0"))

    assert survives(lambda source: FatFileSystem(source).read("FILE", 1000), volume) == bytes(1000)
    larger = fat32_volume(entries, slot("FILE", 4, size + 1).ljust(512, b"\0"))
    assert survives(lambda source: FatFileSystem(source).read("FILE", 1000), larger) is None


def test_the_largest_fat_that_is_read() -> None:
    entries = array("I", [0x0FFFFFF8, 0x0FFFFFFF, 0x0FFFFFFF]) + array("I", [0]) * (8 * MIB - 3)
    result = survives(
        lambda source: FatFileSystem(source).volume.free_cluster_count, fat32_volume(entries, per_cluster=8)
    )

    assert result == 8 * MIB - 3


def test_a_fat_beyond_the_cap_is_not_read() -> None:
    boot = fat32_boot_sector(60 * MIB)

    assert survives(read_volume, Damaged(boot, 1 << 40)) is None


@pytest.mark.parametrize("deleted", [False, True])
def test_as_many_directories_as_are_listed(deleted: bool) -> None:
    """Directories of 64 clusters, each without an end mark: nothing but deleted entries, or one cluster of zeros."""
    directories = 10_000
    per_directory = 64
    entries = array("I", [0x0FFFFFF8, 0x0FFFFFFF])
    for _ in range(directories):
        start = len(entries)
        entries.extend(range(start + 1, start + per_directory))
        entries.append(0x0FFFFFFF)
    root = b"".join(slot(f"D{n:07}", 2 + n * per_directory, attributes=0x10) for n in range(1, per_directory * 16))
    filler = (b"\xe5" + bytes(31)) * 16 if deleted else bytes(512)
    data = root.ljust(per_directory * 512, b"\xe5") + filler * (per_directory * 1200)

    survives(read_volume, fat32_volume(entries, data))


def test_a_directory_whose_chain_covers_the_volume() -> None:
    entries = array("I", [0x0FFFFFF8, 0x0FFFFFFF]) + array("I", range(3, 2 * MIB))
    data = (b"\xe5" + bytes(31)) * (64 * 1024 + 16)

    assert survives(read_volume, fat32_volume(entries, data)) is None


def test_a_gpt_with_as_many_entries_as_are_read() -> None:
    """Each a partition that starts like a FAT volume with the largest root directory."""
    boot = bytearray(512)
    boot[0:3] = b"\xeb\x3c\x90"
    boot[11:36] = struct.pack("<HBHBHHBHHHII", 512, 128, 1, 1, 65_535, 0, 0xF8, 255, 63, 16, 0, 1 << 31)
    boot[510:] = b"\x55\xaa"
    root = (b"\xe5" + bytes(31)) * 65_535
    entry = bytes(range(16)) + bytes(16) + struct.pack("<QQQ", 4096, 1 << 40, 0) + b"n" * 72
    header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, 2, 34, 9, bytes(16), 2, 8192, 128, 0)
    protective = bytes(450) + b"\xee" + bytes(3) + struct.pack("<II", 1, 1 << 30) + bytes(48) + b"\x55\xaa"
    table = protective + header.ljust(512, b"\0") + entry * 8192
    volume = bytes(boot) + bytes(255 * 512) + root
    disk = read_disk_result(Damaged(table.ljust(4096 * 512, b"\0") + volume, 1 << 40))

    assert disk == 8192


def read_disk_result(source: ByteSource) -> object:
    return survives(lambda given: len(read_disk(given).partitions), source)


def test_an_extended_partition_with_a_link_in_every_sector(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", "label: dos\nstart=2048, type=5\n", 4 * MIB)
    disk = bytearray(path.read_bytes())
    for lba in range(2048, 6000):
        links = struct.pack("<B3xB3xIIB3xB3xII", 0, 0x83, 1, 1, 0, 5, lba - 2047, 1)
        disk[lba * 512 + 446 : lba * 512 + 512] = links + bytes(32) + b"\x55\xaa"

    assert read_disk_result(Damaged(bytes(disk), 4 * MIB)) == 129


PROGRAMS = {
    "backslashes": pe_image({".vendor_cert": b"\\\0" * (1 << 20)}),
    "a name without end": pe_image({".vendor_cert": b"\\\0" + b"a\0" * (2 << 20)}),
    "names that end wrong": pe_image({".vendor_cert": (b"\\\0" + b"a\0" * 60 + b".\0e\0f\0x\0") * 30_000}),
    "GRUB with objects of no size": pe_image(
        {"mods": b"mimg" + struct.pack("<IQQ", 0, 24, 1 << 40) + b"\0\0\0\0\x08\0\0\0" * (1 << 20)}
    ),
    "GRUB with a huge configuration": pe_image(
        {"mods": b"mimg" + struct.pack("<IQQII", 0, 24, 1 << 40, 2, 32 << 20) + b"x" * (32 << 20)}
    ),
    "many sections": pe_image({f"/{n}": b"x" for n in range(96)}),
}


@pytest.mark.parametrize("content", PROGRAMS.values(), ids=PROGRAMS)
def test_programs(content: bytes) -> None:
    assert survives(read_program, Damaged(content, len(content))) is not None


def test_ntfs_with_an_attribute_of_no_size(tmp_path: Path) -> None:
    """The first attribute of record 3 of the master file table, which follows four clusters of 4 KiB."""
    path = empty(tmp_path / "volume", 4 * MIB)
    run("mkfs.ntfs", "-F", "-Q", "-q", path)
    place = 0x4000 + 3 * 1024 + 0x38
    assert path.read_bytes()[place : place + 4] == b"\x10\0\0\0"  # $STANDARD_INFORMATION

    assert survives(read_disk, Damaged(path.read_bytes(), 4 * MIB, [(place + 4, bytes(4))])) is not None


def test_ntfs_and_exfat_with_absurd_geometry(tmp_path: Path) -> None:
    for maker in (["mkfs.ntfs", "-F", "-Q", "-q"], ["mkfs.exfat"]):
        path = empty(tmp_path / maker[0], 4 * MIB)
        run(*maker, path)
        content = path.read_bytes()
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            for place in (*range(11, 14), *range(48, 56), 64, *range(88, 100), 108, 109):
                assert survives(read_disk, Damaged(content, len(content), [(place, bytes([value]))])) is not None
