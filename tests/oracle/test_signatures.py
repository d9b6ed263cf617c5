"""File systems and volumes by their own mkfs, recognised by us and by blkid."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from byoi_tools.formats.filesystems.signatures import read_signature
from byoi_tools.formats.source import Memory, Window
from byoi_tools.model.disks.disk import FileSystemSignature
from byoi_tools.tools.image_file import open_image
from tests.disk_images import MIB, empty, judgement, partitioned, run

MAKERS: dict[str, tuple[float, list[str]]] = {
    "ext2": (2, ["mkfs.ext2", "-q", "-L", "with space"]),
    "ext2 that mkfs.ext4 makes": (2, ["mkfs.ext4", "-q", "-O", "none"]),
    "ext3": (4, ["mkfs.ext3", "-q", "-L", "sixteencharacter"]),
    "ext4": (4, ["mkfs.ext4", "-q", "-L", "Wurzel-äö"]),
    "ext4 without a journal": (4, ["mkfs.ext4", "-q", "-O", "^has_journal"]),
    "ext4 of 1 KiB blocks": (4, ["mkfs.ext4", "-q", "-b", "1024", "-U", "01234567-89ab-cdef-0123-456789abcdef"]),
    "a journal": (4, ["mke2fs", "-q", "-O", "journal_dev", "-b", "4096"]),
    "xfs": (300, ["mkfs.xfs", "-q", "-L", "twelve-chars"]),
    "btrfs": (114, ["mkfs.btrfs", "-q", "-L", "butter fs"]),
    "f2fs": (100, ["mkfs.f2fs", "-q", "-l", "flash äö"]),
    "FAT12": (2, ["mkfs.fat", "-n", "ESP"]),
    "FAT16": (20, ["mkfs.fat", "-F", "16"]),
    "FAT32": (40, ["mkfs.fat", "-F", "32", "-n", "EFI SYSTEM", "-i", "1234abcd"]),
    "FAT32 of 4096-byte sectors": (300, ["mkfs.fat", "-F", "32", "-S", "4096", "-n", "FOURK"]),
    "FAT without a serial number": (2, ["mkfs.fat", "-i", "00000000"]),
    "ntfs": (4, ["mkfs.ntfs", "-F", "-Q", "-q", "-L", "Windows äö"]),
    "ntfs of 64 KiB clusters": (20, ["mkfs.ntfs", "-F", "-Q", "-q", "-c", "65536", "-L", "big"]),
    "ntfs of 4096-byte sectors": (8, ["mkfs.ntfs", "-F", "-Q", "-q", "-s", "4096", "-L", "four"]),
    "exfat": (4, ["mkfs.exfat", "-L", "Daten äö"]),
    "exfat without a label": (4, ["mkfs.exfat"]),
    "swap": (1, ["mkswap", "-q", "-L", "swap space"]),
    "swap of 64 KiB pages": (2, ["mkswap", "-q", "-p", "65536"]),
}


def by_blkid(path: Path) -> FileSystemSignature | None:
    """What blkid says; it writes bytes outside ASCII as cat -v does."""
    words = dict(re.findall(r"^(\w+)=(.*)$", judgement("blkid", "-p", "-o", "export", path), re.MULTILINE))
    if "TYPE" not in words:
        return None
    return FileSystemSignature(words["TYPE"], words.get("UUID", ""), words.get("LABEL", "").replace("\\", ""))


def by_us(path: Path) -> FileSystemSignature | None:
    with open_image(path) as source:
        found = read_signature(source)
    return found and FileSystemSignature(found.name, found.uuid, cat_v(found.label))


def cat_v(label: str) -> str:
    def spell(byte: int) -> str:
        return ("M-" if byte > 127 else "") + (f"^{chr((byte & 127) + 64)}" if byte & 127 < 32 else chr(byte & 127))

    return "".join(map(spell, label.encode()))


@pytest.mark.parametrize(("size", "maker"), MAKERS.values(), ids=MAKERS)
def test_signature_is_what_blkid_says(tmp_path: Path, size: float, maker: list[str]) -> None:
    path = empty(tmp_path / "volume", int(size * MIB))
    run(*maker, path)

    assert by_us(path) == by_blkid(path) is not None


ISO_OPTIONS = [
    ["-V", "config-2", "-J", "-r"],
    ["-V", "Debian 12 amd64", "-r", "--modification-date=2020010203040500"],
]


@pytest.mark.parametrize("options", ISO_OPTIONS)
def test_iso9660_is_what_blkid_says(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "tree").mkdir()
    run("xorriso", "-as", "mkisofs", "-quiet", *options, "-o", tmp_path / "iso", tmp_path / "tree")

    assert by_us(tmp_path / "iso") == by_blkid(tmp_path / "iso") is not None


def test_date_of_modification_is_the_identity_of_an_iso(tmp_path: Path) -> None:
    """As grub-mkrescue sets it; the date of creation is another one."""
    (tmp_path / "tree").mkdir()
    run("xorriso", "-as", "mkisofs", "-quiet", "-V", "X", "-r", "-o", tmp_path / "iso", tmp_path / "tree")
    with (tmp_path / "iso").open("r+b") as file:
        file.seek(32768 + 830)
        file.write(b"2020010203040506")

    assert by_us(tmp_path / "iso") == by_blkid(tmp_path / "iso") is not None


def test_squashfs_is_what_blkid_says(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(bytes(100))
    run("mksquashfs", tmp_path / "tree", tmp_path / "image", "-quiet", "-no-progress")

    assert by_us(tmp_path / "image") == by_blkid(tmp_path / "image") is not None


def lvm_label(sector: int) -> tuple[int, bytes]:
    identity = b"0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p"
    head = b"LABELONE" + sector.to_bytes(8, "little")
    content = (32).to_bytes(4, "little") + b"LVM2 001" + identity
    crc = _lvm_crc((content + bytes(512))[: 512 - 20])
    return sector * 512, head + crc.to_bytes(4, "little") + content


def _lvm_crc(content: bytes) -> int:
    """LVM's CRC-32, which starts with 0xF597A6CF and ends without an inversion."""
    return zlib.crc32(content, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def raid_member(offset: int) -> tuple[int, bytes]:
    block = bytearray(256)
    block[0:8] = b"\xfc\x4e\x2b\xa9\x01\0\0\0"
    block[16:32] = bytes(range(16))
    block[32:38] = b"host:0"
    block[144:152] = (offset // 512).to_bytes(8, "little")
    total = sum(int.from_bytes(block[place : place + 4], "little") for place in range(0, 256, 4))
    block[216:220] = ((total & 0xFFFFFFFF) + (total >> 32)).to_bytes(4, "little")
    return offset, bytes(block)


def luks_header(version: int) -> tuple[int, bytes]:
    """As cryptsetup writes it; it is not run, because it needs the kernel's help, which not every machine gives."""
    label = b"secret label" if version == 2 else b"aes"
    head = b"LUKS\xba\xbe" + version.to_bytes(2, "big") + (16384).to_bytes(8, "big") + bytes(8) + label
    return 0, head.ljust(168, b"\0") + b"01234567-89ab-cdef-0123-456789abcdef\0"


SIZE = 64 * MIB  # blkid looks for ZFS in no less
WRITTEN = {
    "swap of version 0": (1024, b"x" * 44 + bytes(3018) + b"SWAP-SPACE"),
    "LUKS 1": luks_header(1),
    "LUKS 2": luks_header(2),
    "LVM in sector 0": lvm_label(0),
    "LVM in sector 1": lvm_label(1),
    "LVM in sector 3": lvm_label(3),
    "RAID 1.0": raid_member((SIZE // 512 - 16) // 8 * 8 * 512),
    "RAID 1.1": raid_member(0),
    "RAID 1.2": raid_member(4096),
    "RAID at a place that it does not name": (4096, raid_member(0)[1]),
    "ZFS": (128 * 1024, (b"\x0c\xb1\xba\0\0\0\0\0" + bytes(1016)) * 8),
    "ZFS, big-endian": (128 * 1024, (b"\0\0\0\0\0\xba\xb1\x0c" + bytes(1016)) * 8),
    "UFS2": (
        65536,
        bytes(144) + b"\x11\x22\x33\x44\x55\x66\x77\x88" + bytes(528) + b"rootfs" + bytes(686) + b"\x19\x01\x54\x19",
    ),
}


@pytest.mark.parametrize(("offset", "content"), WRITTEN.values(), ids=WRITTEN)
def test_signature_that_no_program_here_writes_is_what_blkid_says(tmp_path: Path, offset: int, content: bytes) -> None:
    path = tmp_path / "volume"
    with empty(path, SIZE).open("r+b") as file:
        file.seek(offset)
        file.write(content)

    assert by_us(path) == by_blkid(path)


@pytest.mark.parametrize("script", ["label: gpt\nsize=1M\n", "label: dos\nsize=1M\n"], ids=["gpt", "mbr"])
def test_partitioned_disk_holds_no_file_system(tmp_path: Path, script: str) -> None:
    path = partitioned(tmp_path / "disk", script)

    assert by_us(path) is by_blkid(path) is None


def test_nothing_is_found_in_zeros_or_in_nothing() -> None:
    assert read_signature(Memory(bytes(MIB))) is None
    assert read_signature(Memory(b"")) is None
    assert read_signature(Window(Memory(bytes(MIB)), 2 * MIB, MIB)) is None
