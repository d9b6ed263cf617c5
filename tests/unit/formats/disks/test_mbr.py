"""The MBR reader on records that partitioning programs do not write: hostile chains, and boot sectors of volumes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.disks.mbr import MAX_LOGICALS, read_mbr
from byoi_tools.formats.source import Memory
from tests.disk_images import MIB, empty, partitioned, run

SECTORS = 4096


def table(*entries: tuple[int, int, int], status: int = 0, code: bytes = b"") -> bytes:
    """A sector with entries of (type, start, count) and the signature."""
    slots = b"".join(struct.pack("<B3xB3xII", status, *entry) for entry in entries)
    return code.ljust(446, b"\0") + slots.ljust(64, b"\0") + b"\x55\xaa"


def disk(sectors: dict[int, bytes]) -> Memory:
    content = bytearray(SECTORS * 512)
    for lba, sector in sectors.items():
        content[lba * 512 : lba * 512 + 512] = sector
    return Memory(bytes(content))


def test_a_source_without_a_full_sector_is_refused() -> None:
    with pytest.raises(ImageMalformed):
        read_mbr(Memory(bytes(511)), 512)
    with pytest.raises(ImageMalformed):
        read_mbr(Memory(bytes(512)), 4096)


def test_zeros_are_an_mbr_without_anything() -> None:
    mbr = read_mbr(Memory(bytes(512)), 512)

    assert not mbr.has_signature
    assert mbr.entries == mbr.logicals == ()
    assert len(mbr.boot_code) == 440


def test_slots_with_a_type_but_no_sectors_are_there_and_empty() -> None:
    (entry,) = read_mbr(disk({0: table((0xEE, 0, 0))}), 512).entries

    assert (entry.slot, entry.type_byte, entry.sectors.count) == (1, 0xEE, 0)


CHAINS = {
    "returns to its start": (
        {0: table((5, 100, 1000)), 100: table((0x83, 1, 9), (5, 0, 10))},
        1,
        "returns to sector 100",
    ),
    "goes round": (
        {0: table((5, 100, 1000)), 100: table((0x83, 1, 9), (5, 50, 10)), 150: table((0x83, 1, 9), (5, 0, 50))},
        2,
        "returns to sector 100",
    ),
    "leads beyond the end": (
        {0: table((5, 100, 1000)), 100: table((0x83, 1, 9), (5, 1 << 31, 10))},
        1,
        "beyond the end",
    ),
    "leads to a sector without signature": ({0: table((5, 100, 1000)), 100: table((5, 50, 10))}, 0, "lacks its 0x55AA"),
    "starts beyond the end": ({0: table((15, 5000, 10))}, 0, "beyond the end"),
}


@pytest.mark.parametrize(("sectors", "logicals", "words"), CHAINS.values(), ids=CHAINS)
def test_broken_chain_is_told_in_words(sectors: dict[int, bytes], logicals: int, words: str) -> None:
    mbr = read_mbr(disk(sectors), 512)

    assert len(mbr.logicals) == logicals
    assert words in mbr.chain_problem


def test_chain_without_end_is_left_after_the_cap() -> None:
    links = {100 + 2 * n: table((0x83, 1, 1), (5, 2 * (n + 1), 2)) for n in range(500)}
    mbr = read_mbr(disk({0: table((5, 100, 3000)), **links}), 512)

    assert len(mbr.logicals) == MAX_LOGICALS
    assert "more than" in mbr.chain_problem


def test_no_chain_is_followed_from_an_absent_or_implausible_start() -> None:
    links = {100: table((0x83, 1, 9))}

    assert read_mbr(disk({0: table((5, 100, 0)), **links}), 512).logicals == ()
    assert read_mbr(disk({0: table((5, 100, 1000), status=7), **links}), 512).logicals == ()
    assert read_mbr(disk({0: table((5, 100, 1000))[:510] + b"\0\0", **links}), 512).logicals == ()


def test_empty_extended_partition_has_no_logicals_and_no_problem() -> None:
    mbr = read_mbr(disk({0: table((5, 100, 1000)), 100: table()}), 512)

    assert (mbr.logicals, mbr.chain_problem) == ((), "")


VOLUMES = {
    "FAT16": ["mkfs.fat", "-F", "16"],
    "FAT32": ["mkfs.fat", "-F", "32"],
    "FAT with a partition table for itself": ["mkfs.fat", "-F", "16", "--mbr=yes"],
    "mformat": ["mformat", "-T", str(40 * 2048), "-h", "16", "-s", "63", "::", "-i"],
    "ntfs": ["mkfs.ntfs", "-F", "-Q", "-q"],
    "exfat": ["mkfs.exfat"],
}


@pytest.mark.parametrize("maker", VOLUMES.values(), ids=VOLUMES)
def test_boot_sector_of_a_volume_is_no_plausible_mbr(tmp_path: Path, maker: list[str]) -> None:
    path = empty(tmp_path / "volume", 40 * MIB)
    run(*maker, path)
    mbr = read_mbr(Memory(path.read_bytes()), 512)

    assert mbr.has_signature
    assert not mbr.is_plausible


@pytest.mark.parametrize("status", [0x01, 0x7F, 0x81, 0xFF])
def test_status_other_than_0x00_and_0x80_is_not_plausible(status: int) -> None:
    assert not read_mbr(disk({0: table((0x83, 8, 8), status=status)}), 512).is_plausible


def test_partitions_behind_a_kept_parameter_block_are_plausible(tmp_path: Path) -> None:
    """GRUB's boot.img keeps the bytes of a former FAT volume; the slots decide then."""
    run("mkfs.fat", "-F", "16", empty(tmp_path / "volume", 16 * MIB))
    code = (tmp_path / "volume").read_bytes()[:440]
    sector = (partitioned(tmp_path / "disk", "label: dos\nsize=1M\nsize=1M\n")).read_bytes()[440:512]

    def is_plausible(slots: bytes) -> bool:
        return read_mbr(Memory((code + slots).ljust(8 * MIB, b"\0")), 512).is_plausible

    assert is_plausible(sector)
    assert not is_plausible(table()[440:])  # no partition at all
    assert not is_plausible(table((0x83, 0, 100))[440:])  # one that covers the table itself
    assert not is_plausible(table((0x83, 8, 100), (0x83, 100, 100))[440:])  # two that overlap
    assert not is_plausible(table((0x83, 8, 1 << 30))[440:])  # one that ends after the disk


@pytest.mark.parametrize("boot_image", ["/usr/lib/syslinux/mbr/mbr.bin", "/usr/lib/grub/i386-pc/boot.img"])
def test_boot_code_of_loaders_is_plausible(boot_image: str) -> None:
    if not Path(boot_image).exists():
        pytest.skip(f"{boot_image} is not installed")
    code = Path(boot_image).read_bytes()[:440]

    assert read_mbr(disk({0: table((0x83, 8, 8), code=code)}), 512).is_plausible
