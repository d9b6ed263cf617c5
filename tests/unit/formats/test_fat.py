"""The FAT reader on volumes that no program writes: contradictions, broken chains, hostile directories."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.fat import MAX_DEPTH, MAX_ENTRIES, FatFileSystem
from byoi_tools.formats.source import ByteSource, Memory, Window
from tests.disk_images import MIB, empty, patched, run

DATA12 = 33 * 512
"""Where cluster 2 lies on a floppy of 1440 KiB: 1 boot sector, 2 FATs of 9, 14 sectors of root directory."""
ROOT12 = 19 * 512


@pytest.fixture(scope="session")
def floppy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A FAT12 volume of 512-byte clusters with EFI/BOOT/FILE.TXT of three clusters (4, 5 and 6)."""
    folder = tmp_path_factory.mktemp("floppy")
    path = empty(folder / "volume", 1440 * 1024)
    run("mformat", "-f", "1440", "-i", path, "::")
    (folder / "file").write_bytes(b"abc" * 400)
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-i", path, folder / "file", "::/EFI/BOOT/FILE.TXT")
    return path.read_bytes()


@pytest.fixture(scope="session")
def fat32(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = empty(tmp_path_factory.mktemp("fat32") / "volume", 34 * MIB)
    run("mkfs.fat", "-F", "32", "-s", "1", "-n", "EFI", path)
    return path.read_bytes()


def problems(source: ByteSource, partition_size_bytes: int | None = None) -> tuple[str, ...]:
    return FatFileSystem(source, partition_size_bytes).volume.geometry_problems


def slot(name: bytes, attributes: int = 0, cluster: int = 0, size: int = 0, flags: int = 0) -> bytes:
    """A directory entry as the specification has it."""
    return struct.pack("<11sBB13xHI", name.ljust(11), attributes, flags, cluster, size)


def long_slots(name: str, short: bytes, checksum: int | None = None) -> bytes:
    """The slots of a long name in front of an entry with a short one."""
    if checksum is None:
        checksum = 0
        for byte in short.ljust(11):
            checksum = (((checksum & 1) << 7) + (checksum >> 1) + byte) & 0xFF
    units = name.encode("utf-16-le") + b"\0\0"
    parts = [units[start : start + 26].ljust(26, b"\xff") for start in range(0, len(units), 26)]
    slots = [
        struct.pack("<B10sBBB12sH4s", number, part[:10], 0x0F, 0, checksum, part[10:22], 0, part[22:])
        for number, part in enumerate(parts, start=1)
    ]
    slots[-1] = bytes([slots[-1][0] | 0x40]) + slots[-1][1:]
    return b"".join(reversed(slots))


def listing(floppy: bytes, *slots: bytes) -> list[str]:
    """The paths in a root directory of these slots."""
    content = b"".join(slots).ljust(14 * 512, b"\0")
    return [entry.path for entry in FatFileSystem(patched(floppy, ROOT12, content)).walk()]


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


def test_names_by_the_rules_of_the_specification(floppy: bytes) -> None:
    assert listing(
        floppy,
        slot(b"LABEL", attributes=0x08),
        slot(b"UPPER   TXT"),
        slot(b"LOWER   TXT", flags=0x18),
        slot(b"BASE    TXT", flags=0x08),
        slot(b"EXT     TXT", flags=0x10),
        slot(b"NOEXT"),
        slot(b"\xe5ELETED TXT"),
        slot(b"\x05ANJI   TXT"),
        slot(b"A B     C D"),
        long_slots("Long name.text", b"LONGNA~1TXT") + slot(b"LONGNA~1TXT"),
        long_slots("thirteen char", b"THIRTE~1   ") + slot(b"THIRTE~1"),
    ) == [
        *(
            "UPPER.TXT",
            "lower.txt",
            "base.TXT",
            "EXT.txt",
            "NOEXT",
            "\N{GREEK SMALL LETTER SIGMA}ANJI.TXT",
            "A B.C D",
            "Long name.text",
        ),
        "thirteen char",
    ]


def test_long_name_that_is_not_of_its_entry_is_ignored(floppy: bytes) -> None:
    whole = long_slots("a name of more than thirteen", b"SHORT")

    assert listing(floppy, long_slots("wrong", b"SHORT", checksum=1) + slot(b"SHORT")) == ["SHORT"]
    assert listing(floppy, whole[:-32] + slot(b"SHORT")) == ["SHORT"]
    assert listing(floppy, whole[32:] + slot(b"SHORT")) == ["SHORT"]
    assert listing(floppy, whole[32:64] + whole + slot(b"SHORT")) == ["SHORT"]
    assert listing(floppy, whole + slot(b"\xe5HORT") + slot(b"SHORT")) == ["SHORT"]
    assert listing(floppy, whole + slot(b"SHORT")) == ["a name of more than thirteen"]


def test_hostile_names_cannot_leave_their_directory(floppy: bytes) -> None:
    names = ("../../etc/passwd", "..", "a\\b", "\x1b[31mred", "nul\x9bx")
    slots = [long_slots(name, b"SAFE") + slot(b"SAFE") for name in names]

    assert listing(floppy, *slots, slot(b"A/B\x07")) == [
        *("..\ufffd..\ufffdetc\ufffdpasswd", "SAFE", "a\ufffdb", "\ufffd[31mred", "nul\ufffdx", "A\ufffdB\ufffd")
    ]


def test_reading_stops_at_the_end_mark(floppy: bytes) -> None:
    assert listing(floppy, slot(b"ONE"), bytes(32), slot(b"TWO")) == ["ONE"]


def test_label_of_the_root_directory_comes_before_that_of_the_boot_sector(floppy: bytes) -> None:
    boot = floppy[:43] + b"BOOTLABEL  " + floppy[54:]

    assert FatFileSystem(patched(boot, 38, b"\x28")).volume.label == ""  # only 0x29 means that there is one
    assert FatFileSystem(Memory(boot)).volume.label == "BOOTLABEL"
    label = slot(b"ROOTLABEL", attributes=0x08)
    assert FatFileSystem(patched(boot, ROOT12, label)).volume.label == "ROOTLABEL"
    assert FatFileSystem(patched(boot, ROOT12, b"\xe5" + label[1:])).volume.label == "BOOTLABEL"


def fat12_entry(content: bytes, cluster: int, value: int) -> bytes:
    """Both FATs with another value for an even cluster."""
    changed = bytearray(content)
    for start in (512, 10 * 512):
        place = start + cluster * 3 // 2
        changed[place] = value & 0xFF
        changed[place + 1] = changed[place + 1] & 0xF0 | value >> 8
    return bytes(changed)


CHAINS = {
    "to a free cluster": (4, 0, "cluster 0 does not exist"),
    "to the reserved one": (4, 1, "cluster 1 does not exist"),
    "to a bad cluster": (4, 0xFF7, "does not exist"),
    "beyond the end": (4, 0xB40, "does not exist"),
    "to itself": (4, 4, "comes back"),
    "back": (6, 4, ""),
    "too early to its end": (4, 0xFFF, "ends after 1"),
}


@pytest.mark.parametrize(("cluster", "value", "words"), CHAINS.values(), ids=CHAINS)
def test_broken_chain_of_a_file_is_refused(floppy: bytes, cluster: int, value: int, words: str) -> None:
    """The last one goes back only after the last cluster that the file needs: nobody follows it."""
    files = FatFileSystem(Memory(fat12_entry(floppy, cluster, value)))

    assert len(files.walk()) == 3
    if words:
        with pytest.raises(ImageMalformed) as refused:
            files.read("EFI/BOOT/FILE.TXT", 10)
        assert words in (refused.value.details or "")
    else:
        assert files.read("EFI/BOOT/FILE.TXT", 10_000) == b"abc" * 400


@pytest.mark.parametrize("path", ["EFI/BOOT/NONE.TXT", "EFI/BOOT", "NONE/FILE.TXT", "EFI/BOOT/FILE.TXT/X", "", "/"])
def test_a_path_that_leads_to_no_file_is_refused(floppy: bytes, path: str) -> None:
    with pytest.raises(ImageMalformed):
        FatFileSystem(Memory(floppy)).read(path, 10)


@pytest.mark.parametrize("path", ["EFI/BOOT/FILE.TXT", "\\efi\\boot\\file.txt", "/Efi/Boot/File.Txt"])
def test_a_path_may_be_written_as_firmware_does(floppy: bytes, path: str) -> None:
    assert FatFileSystem(Memory(floppy)).read(path, 4) == b"abca"


def test_a_file_on_a_volume_that_is_cut_off_is_shorter(floppy: bytes) -> None:
    cut = Memory(floppy[: DATA12 + 3 * 512 + 100])

    assert FatFileSystem(cut).read("EFI/BOOT/FILE.TXT", 10_000) == (b"abc" * 400)[:612]


def test_nothing_is_read_behind_a_cluster_that_is_cut_off(floppy: bytes) -> None:
    """Clusters 4, 2000 and 6, of which 2000 is not there any more."""
    cut = fat12_entry(fat12_entry(floppy, 4, 2000), 2000, 6)[: DATA12 + 1000 * 512]

    assert FatFileSystem(Memory(cut)).read("EFI/BOOT/FILE.TXT", 10_000) == (b"abc" * 400)[:512]


def test_a_directory_in_itself_is_refused(floppy: bytes) -> None:
    """EFI (cluster 2) holds a directory that is EFI again, under another name."""
    source = patched(floppy, DATA12 + 64, slot(b"AGAIN", attributes=0x10, cluster=2))

    with pytest.raises(ImageMalformed):
        FatFileSystem(source).walk()


def test_high_half_of_a_cluster_number_counts_in_fat32_only(floppy: bytes) -> None:
    """EFI (its entry is the first of the root directory) with something in bytes 20 and 21."""
    assert len(FatFileSystem(patched(floppy, ROOT12 + 20, b"\x34\x12")).walk()) == 3


@pytest.mark.parametrize("cluster", [0, 1, 0xB40, 0xFFF, 0xFFF0])
def test_a_directory_in_a_cluster_that_does_not_exist_is_refused(floppy: bytes, cluster: int) -> None:
    with pytest.raises(ImageMalformed):
        listing(floppy, slot(b"DIR", attributes=0x10, cluster=cluster))


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = empty(tmp_path / "volume", 40 * MIB)
    run("mkfs.fat", "-F", "16", "-r", "32768", path)
    many = MAX_ENTRIES + 1
    start = path.read_bytes().index(b"\xf8\xff\xff\xff", 512)
    layout = FatFileSystem(Memory(path.read_bytes())).volume
    root = start + 2 * layout.fat_size_sectors * 512
    full = b"".join(slot(f"{number:08}".encode()) for number in range(many))

    assert len(FatFileSystem(patched(path.read_bytes(), root, full[:-32])).walk()) == MAX_ENTRIES
    with pytest.raises(ImageUnsafe):
        FatFileSystem(patched(path.read_bytes(), root, full)).walk()


def test_too_deep_directories_are_refused(floppy: bytes) -> None:
    """A chain of directories in clusters 100, 101 and so on, each of one cluster."""

    def volume(depth: int) -> Memory:
        content = bytearray(floppy)
        for number in range(depth):
            inside = slot(b"D", attributes=0x10, cluster=101 + number) if number + 1 < depth else b""
            start = DATA12 + (98 + number) * 512
            content[start : start + 512] = inside.ljust(512, b"\0")
        content[ROOT12 : ROOT12 + 64] = slot(b"D", attributes=0x10, cluster=100).ljust(64, b"\0")
        return Memory(bytes(content))

    assert len(FatFileSystem(volume(MAX_DEPTH)).walk()) == MAX_DEPTH
    with pytest.raises(ImageUnsafe):
        FatFileSystem(volume(MAX_DEPTH + 1)).walk()


def test_a_fat_of_more_than_the_cap_is_refused(fat32: bytes) -> None:
    """A volume of 64 GiB of which only the start is there."""
    huge = patched(fat32, 32, struct.pack("<II", 1 << 27, 1 << 21))

    with pytest.raises(ImageUnsafe):
        FatFileSystem(Window(huge, 0, 1 << 50))
