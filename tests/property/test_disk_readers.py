"""Readers of disks on random tables, on truncation at any byte and on random damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.formats.boot.efi_program import read_efi_program
from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.formats.filesystems.fat import FatFileSystem
from byoi_tools.formats.filesystems.signatures import read_signature
from byoi_tools.formats.grub.image import boot_code_kind, read_core_pointer, read_grub_core
from byoi_tools.formats.source import ByteSource
from tests.disk_images import MIB, empty, memory, partitioned, run, sfdisk_table
from tests.hostile_sources import Damaged, survives
from tests.pe_images import pe_image

Reader = Callable[[ByteSource], object]
FAST = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_volume(source: ByteSource) -> object:
    files = FatFileSystem(source)
    entries = files.walk()
    for entry in entries:
        if not entry.is_directory:
            files.read(entry.path, 1 << 20)
    return files.volume, entries


def read_program(source: ByteSource) -> object:
    return read_efi_program("EFI/BOOT/BOOTX64.EFI", source.size_bytes, source)


def read_boot(source: ByteSource) -> object:
    disk = read_disk(source)
    boot_code_kind(disk.mbr.boot_code)
    lba = read_core_pointer(disk.mbr.boot_code)
    return disk, read_grub_core(source, 512, lba, [found.partition for found in disk.partitions])


def make_fat(path: Path, size: int, *options: str) -> bytes:
    run("mkfs.fat", *options, empty(path, size))
    path.with_suffix(".txt").write_bytes(b"content" * 500)
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT", "::/EFI/a directory with a long name")
    for name in ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/a long name of a file.txt", "EFI/SHORT.TXT"):
        run("mcopy", "-i", path, path.with_suffix(".txt"), f"::/{name}")
    return path.read_bytes()


def make_program() -> bytes:
    modules = b"mimg".ljust(8, b"\0") + (24).to_bytes(8, "little") + (100).to_bytes(8, "little")
    modules += b"\3\0\0\0\x10\0\0\0/EFI/x\0\0\2\0\0\0\x10\0\0\0config\0\0"
    sbat = b"sbat,1\nshim,4,x\n"
    loader = "\\\\grubx64.efi\0".encode("utf-16-le")
    return pe_image({".text": b"x" * 99, ".data": loader, "mods": modules, ".vendor_cert": b"c", ".sbat": sbat})


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Reader, bytes]]:
    folder = tmp_path_factory.mktemp("samples")
    chain = "label: dos\nstart=2048, type=f\n5: start=2100, size=50, type=83\n6: start=2200, size=50\n"
    ext4 = empty(folder / "ext4", 2 * MIB)
    run("mkfs.ext4", "-q", ext4)
    return {
        "gpt": (read_boot, partitioned(folder / "gpt", "label: gpt\nsize=1M\nsize=1M, type=U\n", 4 * MIB).read_bytes()),
        "mbr": (read_boot, partitioned(folder / "mbr", chain, 2 * MIB).read_bytes()),
        "fat12": (read_volume, make_fat(folder / "fat12", MIB, "-F", "12")),
        "fat16": (read_volume, make_fat(folder / "fat16", 9 * MIB, "-F", "16")),
        "fat32": (read_volume, make_fat(folder / "fat32", 34 * MIB, "-F", "32", "-s", "1")),
        "ext4": (read_signature, ext4.read_bytes()),
        "program": (read_program, make_program()),
    }


NAMES = ("gpt", "mbr", "fat12", "fat16", "fat32", "ext4", "program")
HOT = {
    "gpt": (0, 512, 1024, 4 * MIB - 512, 4 * MIB - 33 * 512),
    "mbr": (0, 440, 2048 * 512 + 440, 2099 * 512 + 440),
    "fat12": (0, 512, 0x800, 0xA00, 0x1000, 0x5600),
    "fat16": (0, 512, 0x800, 0x4C00, 0x9400, 0xD400),
    "fat32": (0, 32 * 512, 6 * 512, 1088 * 512),
    "ext4": (1024,),
    "program": (0, 0x40, 0x58, 0x148, 512, 1024),
}
"""Where structures lie; random damage elsewhere mostly hits nothing."""


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@FAST
def test_truncation_at_any_byte(samples: dict[str, tuple[Reader, bytes]], name: str, data: st.DataObject) -> None:
    read, content = samples[name]
    size = data.draw(st.one_of(st.integers(0, len(content)), st.integers(0, min(len(content), 4096))))

    survives(read, Damaged(content, size))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@FAST
def test_damage_at_any_byte(samples: dict[str, tuple[Reader, bytes]], name: str, data: st.DataObject) -> None:
    read, content = samples[name]
    near = st.builds(int.__add__, st.sampled_from(HOT[name]), st.integers(0, 600))
    place = st.one_of(near, st.integers(0, len(content)))
    value = st.one_of(
        st.binary(min_size=1, max_size=16), st.sampled_from([b"\xff" * 8, bytes(8), b"\x01\0\0\0", b"\x80"])
    )
    patches = data.draw(st.lists(st.tuples(place, value), min_size=1, max_size=6))

    survives(read, Damaged(content, len(content), patches))


@pytest.mark.parametrize("read", [read_boot, read_volume, read_signature, read_program])
@given(content=st.binary(max_size=70_000))
@FAST
def test_random_bytes(read: Reader, content: bytes) -> None:
    survives(read, Damaged(content, len(content)))


@st.composite
def layouts(draw: st.DrawFn) -> list[tuple[int, int]]:
    """First and last sector of partitions on a disk of 8 MiB, apart from each other."""
    edges = sorted(draw(st.sets(st.integers(2048, 16_000), min_size=2, max_size=20)))
    return [(start, end - 1) for start, end in zip(edges[::2], edges[1::2], strict=False)]


@given(
    layout=layouts(),
    names=st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=("C", "Z")),
            min_size=1,
            max_size=18,
        ),
        min_size=10,
        max_size=10,
    ),
)
@FEW
def test_any_gpt_is_read_as_sfdisk_does(tmp_path: Path, layout: list[tuple[int, int]], names: list[str]) -> None:
    lines = [f'start={a}, size={b - a + 1}, name="{name}"' for (a, b), name in zip(layout, names, strict=False)]
    path = partitioned(tmp_path / "disk", "label: gpt\n" + "\n".join(lines))
    wanted = sfdisk_table(path)["partitions"]

    found = [p.partition for p in read_disk(memory(path)).partitions]

    assert [(p.sectors.first_lba, p.sectors.count, p.guid, p.name) for p in found] == [
        (row["start"], row["size"], row["uuid"], row.get("name", "")) for row in wanted
    ]


@given(layout=layouts(), types=st.lists(st.integers(1, 0xFF), min_size=10, max_size=10))
@FEW
def test_any_mbr_is_read_as_sfdisk_does(tmp_path: Path, layout: list[tuple[int, int]], types: list[int]) -> None:
    kinds = [0x83 if kind in (0x05, 0x0F, 0x85, 0xEE) else kind for kind in types]
    lines = [f"start={a}, size={b - a + 1}, type={kind:x}" for (a, b), kind in zip(layout[:4], kinds, strict=False)]
    path = partitioned(tmp_path / "disk", "label: dos\n" + "\n".join(lines))
    wanted = sfdisk_table(path)["partitions"]

    found = [p.partition for p in read_disk(memory(path)).partitions]

    assert [(p.sectors.first_lba, p.sectors.count, int(p.type_code, 16)) for p in found] == [
        (row["start"], row["size"], int(row["type"], 16)) for row in wanted
    ]
