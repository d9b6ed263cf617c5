"""The FAT reader on directories and files that no program writes: hostile names, broken chains, too much of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.filesystems.fat import MAX_DEPTH, MAX_ENTRIES, FatFileSystem
from byoi_tools.formats.source import Memory
from tests.disk_images import MIB, empty, patched, run
from tests.fat_volumes import DATA12, ROOT12, fat12_entry, long_slots, make_floppy, slot


@pytest.fixture(scope="session")
def floppy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_floppy(tmp_path_factory.mktemp("floppy"))


def listing(floppy: bytes, *slots: bytes) -> list[str]:
    """The paths in a root directory of these slots."""
    content = b"".join(slots).ljust(14 * 512, b"\0")
    return [entry.path for entry in FatFileSystem(patched(floppy, ROOT12, content)).walk()]


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
