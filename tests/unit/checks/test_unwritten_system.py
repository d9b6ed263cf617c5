"""An image without any system fails; one whose system is another's, or cannot be read, is not told to have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from byoi_tools.checks import kernel
from byoi_tools.model.finding import Outcome, OutcomeKind
from fixtures.tiny import kernel_image, loaders, lvm
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import ESP_FILES, FALLBACK_LOADER, ROOT, TYPE_LINUX
from fixtures.tiny.programs import run
from tests.unit.checks.tiny_images import ask_once

TYPE_FREEBSD_UFS = UUID("516e7cb6-6ecf-11d6-8ff8-00022d09712b")
TYPE_MICROSOFT_BASIC_DATA = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
MIB = 1 << 20


def ask_without_root(directory: Path, paint: Callable[[Canvas], None] = lambda _: None, boot: str = "uefi") -> Outcome:
    """What the check says of the good image whose root is gone, painted over."""
    canvas = Canvas(directory / ".canvas")
    canvas.wipe(ROOT.offset, ROOT.size)
    paint(canvas)
    return ask_once(kernel.present, canvas.as_raw(directory / "image.raw"), boot)


def boot_by(canvas: Canvas, loader: bytes, partition_type: UUID = TYPE_LINUX) -> None:
    for each in ESP_FILES:
        canvas.esp_delete(each)
    canvas.esp_put(FALLBACK_LOADER, loader)
    canvas.edit_gpt_entry(ROOT.number, type_guid=partition_type)


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_a_partition_without_a_file_system_is_named(boot: str, tmp_path: Path) -> None:
    outcome = ask_without_root(tmp_path, boot=boot)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.observed == 'only zeros at the start of partition 3 "root"'


def test_a_disk_with_nothing_but_an_esp_has_no_system(tmp_path: Path) -> None:
    outcome = ask_without_root(tmp_path, lambda canvas: canvas.delete_partition(ROOT.number))
    assert (outcome.kind, outcome.observed) == (OutcomeKind.FAILED, "no partition for a root file system")


def test_swap_is_no_system(tmp_path: Path) -> None:
    def paint(canvas: Canvas) -> None:
        swap = tmp_path / ".swap"
        swap.write_bytes(bytes(ROOT.size))
        run("mkswap", swap)
        canvas.write(ROOT.offset, swap.read_bytes())

    assert ask_without_root(tmp_path, paint).kind is OutcomeKind.FAILED


def test_a_large_loader_is_no_kernel(tmp_path: Path) -> None:
    """As distributions sign them: Debian's grubx64.efi has four megabytes."""

    def paint(canvas: Canvas) -> None:
        canvas.esp_put(FALLBACK_LOADER, canvas.esp_get(FALLBACK_LOADER).ljust(4 * MIB, b"\0"))

    assert ask_without_root(tmp_path, paint).kind is OutcomeKind.FAILED


PAINTED: dict[str, Callable[[Canvas], None]] = {
    "encrypted": lambda canvas: canvas.write(ROOT.offset, b"LUKS\xba\xbe\x00\x02".ljust(4096, b"\0")),
    "LVM without its group": lambda canvas: canvas.write(
        ROOT.offset, lvm.physical_volume("vg0", "root")[: 2 * 512].ljust(MIB, b"\0")
    ),
    "ZFS": lambda canvas: canvas.write(
        ROOT.offset + 128 * 1024, (0xBAB10C).to_bytes(8, "little").ljust(1024, b"\0") * 8
    ),
    "ReiserFS": lambda canvas: canvas.write(ROOT.offset + 64 * 1024 + 52, b"ReIsEr2Fs"),
    "JFS": lambda canvas: canvas.write(ROOT.offset + 32 * 1024, b"JFS1"),
    "what has no mark at all": lambda canvas: canvas.write(ROOT.offset, bytes(range(256)) * 2),
    "Windows": lambda canvas: boot_by(canvas, loaders.windows_boot_manager(), TYPE_MICROSOFT_BASIC_DATA),
    "FreeBSD": lambda canvas: boot_by(canvas, loaders.freebsd_loader(), TYPE_FREEBSD_UFS),
    "a loader that nobody knows": lambda canvas: boot_by(canvas, b"MZ".ljust(4096, b"\0")),
    "a unified kernel image": lambda canvas: boot_by(canvas, loaders.unified_kernel_image()),
    "a kernel beside the loader": lambda canvas: canvas.esp_put("/vmlinuz", kernel_image.build("6.1.0").ljust(2 * MIB)),
    "a GRUB with room for a kernel": lambda canvas: canvas.esp_put(
        FALLBACK_LOADER, canvas.esp_get(FALLBACK_LOADER).ljust(9 * MIB, b"\0")
    ),
}


@pytest.mark.parametrize("what", PAINTED)
def test_what_is_not_read_here_is_skipped(what: str, tmp_path: Path) -> None:
    assert ask_without_root(tmp_path, PAINTED[what]).kind is OutcomeKind.SKIPPED
