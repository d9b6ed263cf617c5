"""GRUB's boot code, core image and modules: real ones from grub-pc-bin, and damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.formats.grub.image import boot_code_kind, read_core_pointer, read_grub_core, read_grub_modules
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.bios import BootCodeKind, GrubCore
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import BIOS_BOOT
from tests.disk_images import memory, patched, run

BOOT_IMG = Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()
MICROSOFT = b"Invalid partition table\0Error loading operating system\0Missing operating system\0"
CODES = {
    "GRUB": (BOOT_IMG, BootCodeKind.GRUB),
    "GRUB that keeps a parameter block": (BOOT_IMG[:3] + b"x" * 87 + BOOT_IMG[90:], BootCodeKind.GRUB),
    "zeros": (bytes(440), BootCodeKind.NONE),
    "nothing": (b"", BootCodeKind.NONE),
    "GRUB Legacy": (b"\xeb\x48\x90" + bytes(80) + b"GRUB \0Geom\0Hard Disk\0Read\0 Error", BootCodeKind.UNKNOWN),
    "SYSLINUX mbr.bin": (
        b"\x33\xc0Missing operating system.\r\n\0Multiple active partitions.\r\n",
        BootCodeKind.SYSLINUX_MBR,
    ),
    "SYSLINUX gptmbr.bin": (
        b"\x33\xc0Missing OS\r\n\0Multiple active partitions\r\n\0!GPT",
        BootCodeKind.SYSLINUX_GPTMBR,
    ),
    "LILO": (b"\xfa\xeb\x21\x01\xb4\x01LILO\x16", BootCodeKind.LILO),
    "Windows": (b"\x33\xc0\x8e\xd0" + MICROSOFT, BootCodeKind.WINDOWS),
    "FreeBSD mbr": (b"\xfc\x31\xc0" + MICROSOFT, BootCodeKind.FREEBSD),
    "FreeBSD pmbr": (b"\xfc\x31\xc0Missing boot loader\0Boot loader too large\0I/O error\0", BootCodeKind.FREEBSD),
    "something": (b"\xfa\xf4", BootCodeKind.UNKNOWN),
}


@pytest.mark.parametrize(("code", "kind"), CODES.values(), ids=CODES)
def test_boot_code_is_known_by_its_marks(code: bytes, kind: BootCodeKind) -> None:
    assert boot_code_kind(code[:440]) is kind


@pytest.mark.parametrize("name", ["mbr", "gptmbr"])
def test_boot_code_of_syslinux_is_known(name: str) -> None:
    path = Path(f"/usr/lib/syslinux/mbr/{name}.bin")
    if not path.exists():
        pytest.skip("syslinux-common is not installed")

    assert boot_code_kind(path.read_bytes()).name == f"SYSLINUX_{name.upper()}"


def core_of(content: Memory) -> GrubCore:
    disk = read_disk(content)
    assert boot_code_kind(disk.mbr.boot_code) is BootCodeKind.GRUB
    partitions = [found.partition for found in disk.partitions]
    return read_grub_core(content, 512, read_core_pointer(disk.mbr.boot_code), partitions)


@pytest.fixture
def gpt_disk(tmp_path: Path) -> bytes:
    return Canvas(tmp_path / "disk").path.read_bytes()


@pytest.fixture
def mbr_disk(tmp_path: Path) -> bytes:
    canvas = Canvas(tmp_path / "disk")
    canvas.turn_into_mbr()
    return canvas.path.read_bytes()


def sectors_of(disk: bytes, start_lba: int) -> int:
    """The sectors of the core image on a disk: it ends where 4 KiB of zeros start."""
    return -(-disk[start_lba * 512 :].index(bytes(4096)) // 512)


def test_core_in_a_bios_boot_partition(gpt_disk: bytes) -> None:
    """The tiny image boots in QEMU by this code: what its recipe wrote is the expected value."""
    end_lba = BIOS_BOOT.first_lba + sectors_of(gpt_disk, BIOS_BOOT.first_lba) - 1

    assert core_of(Memory(gpt_disk)) == GrubCore(BIOS_BOOT.first_lba, end_lba, BIOS_BOOT.number, "")


def test_core_in_the_gap_behind_an_mbr(mbr_disk: bytes) -> None:
    assert core_of(Memory(mbr_disk)) == GrubCore(1, sectors_of(mbr_disk, 1), None, "")


def test_block_list_of_grub_mkimage_counts_the_sectors_behind_the_first(tmp_path: Path) -> None:
    core = tmp_path / "core.img"
    run("grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-o", core, "biosdisk", "part_gpt", "ext2", "normal")
    sectors = -(-core.stat().st_size // 512)

    content = memory(core).content
    placed = patched(bytes(512 * 100) + content + bytes(512), 512 * 101 - 12, (101).to_bytes(8, "little"))

    assert read_grub_core(placed, 512, 100, []) == GrubCore(100, 100 + sectors - 1, None, "")


DAMAGES = {
    "pointer to nowhere": (0x5C, struct.pack("<Q", 1 << 40), "no core image can be"),
    "pointer to LBA 0": (0x5C, bytes(8), "no core image can be"),
    "pointer to something else": (0x5C, struct.pack("<Q", 2), "not the start"),
    "core wiped": (BIOS_BOOT.offset, bytes(512), "not the start"),
    "no block list": (BIOS_BOOT.offset + 500, bytes(12), "which sectors to load"),
    "list leaves the disk": (BIOS_BOOT.offset + 500, struct.pack("<QH", 1 << 40, 10), "beyond the end of the disk"),
    "rest wiped": (BIOS_BOOT.offset + 512, bytes(512), "empty"),
    "too large": (BIOS_BOOT.offset + 508, struct.pack("<H", BIOS_BOOT.sectors), "does not fit into partition"),
}


@pytest.mark.parametrize(("offset", "data", "words"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_core_is_told_in_words(gpt_disk: bytes, offset: int, data: bytes, words: str) -> None:
    assert words in core_of(patched(gpt_disk, offset, data)).problem


def test_core_in_the_gap_that_reaches_into_a_partition(mbr_disk: bytes) -> None:
    assert "reaches into partition 1" in core_of(patched(mbr_disk, 512 + 508, struct.pack("<H", 60_000))).problem


def objects(*contents: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<II", kind, 8 + len(content)) + content for kind, content in contents)


OBJECTS = objects((0, b"\x7fELF"), (1, b"disk"), (4, b"key"), (2, b"config\0\0"), (3, b"/grub\0"), (0, b"\x7fELF"))


def test_module_info_has_a_32_bit_and_a_64_bit_form() -> None:
    small = b"mimg" + struct.pack("<II", 12, 12 + len(OBJECTS)) + OBJECTS
    large = b"mimg" + struct.pack("<IQQ", 0, 24, 24 + len(OBJECTS)) + OBJECTS

    for section in (small.ljust(512, b"\0"), large.ljust(512, b"\0")):
        found = read_grub_modules(section)
        assert found is not None
        assert (found.prefix, found.config, found.module_count) == ("/grub", "config", 2)


@pytest.mark.parametrize("section", [b"", b"mimg", b"gmim" + bytes(100), bytes(100)])
def test_what_has_no_module_info_has_no_modules(section: bytes) -> None:
    assert read_grub_modules(section) is None


@pytest.mark.parametrize("size", [0, 7, 1000, 0xFFFFFFFF])
def test_objects_of_absurd_sizes_end_the_list(size: int) -> None:
    section = b"mimg" + struct.pack("<IQQ", 0, 24, 1 << 60) + objects((3, b"/a")) + struct.pack("<II", 2, size) + b"x"

    found = read_grub_modules(section.ljust(200, b"\0"))
    assert found is not None
    assert (found.prefix, found.config) == ("/a", "")
