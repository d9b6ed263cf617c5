"""The FAT reader on boot sectors and tables that no program writes: contradictions, and the state of a volume."""

from __future__ import annotations

import struct

import pytest

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.filesystems.fat import FatFileSystem
from byoi_tools.formats.source import ByteSource, Memory, Window
from tests.disk_images import MIB, patched
from tests.fat_volumes import ROOT12, make_fat32, make_floppy, slot


@pytest.fixture(scope="session")
def floppy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_floppy(tmp_path_factory.mktemp("floppy"))


@pytest.fixture(scope="session")
def fat32(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_fat32(tmp_path_factory.mktemp("fat32"))


def problems(source: ByteSource, partition_size_bytes: int | None = None) -> tuple[str, ...]:
    return FatFileSystem(source, partition_size_bytes).volume.geometry_problems


NOT_FAT = {
    "sector size of zero": (11, b"\0\0"),
    "sector size of 513": (11, b"\x01\x02"),
    "sector size of 8192": (11, b"\x00\x20"),
    "no sectors in a cluster": (13, b"\0"),
    "three sectors in a cluster": (13, b"\3"),
    "no reserved sectors": (14, b"\0\0"),
    "no FAT": (16, b"\0"),
    "three FATs": (16, b"\3"),
    "media byte": (21, b"\x12"),
    "FAT size of zero": (22, bytes(2) + bytes(12) + bytes(4)),
    "no sectors": (19, bytes(2)),
    "fewer sectors than before the first cluster": (19, b"\x21\0"),
}


@pytest.mark.parametrize(("offset", "data"), NOT_FAT.values(), ids=NOT_FAT)
def test_a_boot_sector_that_no_driver_takes_is_refused(floppy: bytes, offset: int, data: bytes) -> None:
    with pytest.raises(ImageMalformed) as refused:
        FatFileSystem(patched(floppy, offset, data))
    assert refused.value.details


def test_what_ends_before_the_fat_does_is_refused(floppy: bytes) -> None:
    for length in (0, 511, 512, 2000):
        with pytest.raises(ImageMalformed):
            FatFileSystem(Memory(floppy[:length]))


PROBLEMS = {
    "jump": (0, b"\0", "instead of a jump"),
    "signature": (510, b"\0\0", "0x55AA"),
    "sectors in all": (19, b"\x41\x0b", "by its boot sector"),
    "FAT size": (22, b"\x01\0", "clusters"),
    "root entries": (17, b"\xe1\0", "does not fill whole sectors"),
    "no root entries": (17, b"\0\0", "no room"),
    "media": (21, b"\xf8", "media byte 0xf0"),
}


@pytest.mark.parametrize(("offset", "data", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_contradiction_is_told_in_words(floppy: bytes, offset: int, data: bytes, words: str) -> None:
    assert any(words in problem for problem in problems(patched(floppy, offset, data)))


FAT32_PROBLEMS = {
    "version": (42, b"\x01\0", "version"),
    "root cluster 0": (44, b"\0\0\0\0", "cluster 0"),
    "root cluster far away": (44, b"\xff\xff\xff\0", "does not exist"),
    "backup outside": (50, b"\xf0\0", "outside"),
    "backup differs": (6 * 512 + 13, b"\2", "another volume"),
    "backup is gone": (6 * 512, bytes(512), "another volume"),
}


@pytest.mark.parametrize(("offset", "data", "words"), FAT32_PROBLEMS.values(), ids=FAT32_PROBLEMS)
def test_contradiction_of_fat32_is_told_in_words(fat32: bytes, offset: int, data: bytes, words: str) -> None:
    assert any(words in problem for problem in problems(patched(fat32, offset, data)))


def test_fat_in_use_must_exist(fat32: bytes) -> None:
    with pytest.raises(ImageMalformed):
        FatFileSystem(patched(fat32, 40, b"\x82"))


def test_root_directory_fills_whole_sectors(floppy: bytes) -> None:
    """225 entries of 32 bytes need 15 sectors, which are missing for clusters (RootDirSectors, rounded up)."""
    assert FatFileSystem(patched(floppy, 17, b"\xe1\0")).volume.cluster_count == 2880 - 1 - 2 * 9 - 15


def test_sound_volumes_have_no_problems(floppy: bytes, fat32: bytes) -> None:
    assert problems(Memory(floppy)) == problems(Memory(fat32)) == ()


def test_volume_may_be_smaller_but_not_larger_than_its_partition(floppy: bytes) -> None:
    size = len(floppy)

    assert problems(Memory(floppy + bytes(MIB)), size + MIB) == ()
    assert problems(Memory(floppy), size - 512) != ()
    assert problems(Window(Memory(floppy), 0, size - 512)) != ()
    assert problems(Window(Memory(floppy), 0, size - 512), size) == ()  # the image is cut off, not the partition


def test_fat16_with_the_clusters_of_fat32_is_a_contradiction(fat32: bytes) -> None:
    """The 16-bit size of the FAT set, so that the layout is that of FAT16."""
    size = fat32[36:38]
    source = patched(fat32, 17, b"\0\x02" + b"\0\0" + b"\xf8" + size)

    assert FatFileSystem(source).volume.fat_bits == 16
    assert any("means FAT32" in problem for problem in problems(source))


@pytest.mark.parametrize(("clusters", "bits"), [(4084, 12), (4085, 16)])
def test_number_of_clusters_decides_between_fat12_and_fat16(floppy: bytes, clusters: int, bits: int) -> None:
    """The limit of the specification; the FATs get 17 sectors, so that they suffice for both."""
    total = 1 + 2 * 17 + 14 + clusters
    head = floppy[:19] + struct.pack("<H", total) + b"\xf0" + struct.pack("<H", 17) + floppy[24:512]
    state = FatFileSystem(Memory((head + b"\xf0\xff\xff\xff").ljust(total * 512, b"\0"))).volume

    assert (state.cluster_count, state.fat_bits) == (clusters, bits)


@pytest.mark.parametrize(("entry", "is_dirty"), [(0x0FFFFFFF, False), (0x07FFFFFF, True), (0x08000000, False)])
def test_fat32_is_dirty_without_the_clean_bit(fat32: bytes, entry: int, is_dirty: bool) -> None:
    """Bit 27 of entry 1, "ClnShutBitMask"."""
    assert FatFileSystem(patched(fat32, 32 * 512 + 4, struct.pack("<I", entry))).volume.is_dirty is is_dirty


def test_fat32_copies_need_not_be_equal_when_one_is_in_use(fat32: bytes) -> None:
    copy = 32 * 512 + 4 * 1000
    assert not FatFileSystem(patched(fat32, copy, b"\1")).volume.are_fats_equal
    assert FatFileSystem(patched(patched(fat32, copy, b"\1").content, 40, b"\x80")).volume.are_fats_equal


def test_fat_in_use_is_the_one_that_counts(fat32: bytes) -> None:
    """Extended flags 0x81: FAT 1 is in use; FAT 0 says that a further cluster is taken, which does not count."""
    free = FatFileSystem(Memory(fat32)).volume.free_cluster_count
    stale = patched(fat32, 32 * 512 + 4 * 1000, b"\1").content

    assert FatFileSystem(Memory(stale)).volume.free_cluster_count == free - 1
    assert FatFileSystem(patched(stale, 40, b"\x81")).volume.free_cluster_count == free


def test_the_two_reserved_entries_are_no_free_clusters(floppy: bytes) -> None:
    free = FatFileSystem(Memory(floppy)).volume.free_cluster_count

    assert FatFileSystem(patched(floppy, 512, bytes(3))).volume.free_cluster_count == free


def test_high_bits_of_fat32_entries_do_not_count(fat32: bytes) -> None:
    before = FatFileSystem(Memory(fat32)).volume.free_cluster_count
    after = FatFileSystem(patched(fat32, 32 * 512 + 4 * 1000, b"\0\0\0\xf0")).volume.free_cluster_count

    assert after == before


def test_label_of_the_root_directory_comes_before_that_of_the_boot_sector(floppy: bytes) -> None:
    boot = floppy[:43] + b"BOOTLABEL  " + floppy[54:]

    assert FatFileSystem(patched(boot, 38, b"\x28")).volume.label == ""  # only 0x29 means that there is one
    assert FatFileSystem(Memory(boot)).volume.label == "BOOTLABEL"
    label = slot(b"ROOTLABEL", attributes=0x08)
    assert FatFileSystem(patched(boot, ROOT12, label)).volume.label == "ROOTLABEL"
    assert FatFileSystem(patched(boot, ROOT12, b"\xe5" + label[1:])).volume.label == "BOOTLABEL"


def test_a_fat_of_more_than_the_cap_is_refused(fat32: bytes) -> None:
    """A volume of 64 GiB of which only the start is there."""
    huge = patched(fat32, 32, struct.pack("<II", 1 << 27, 1 << 21))

    with pytest.raises(ImageUnsafe):
        FatFileSystem(Window(huge, 0, 1 << 50))
