"""What a server finds when it boots, on tables and file systems made by sfdisk and mtools."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from byoi_tools.simulator.boot import BootResult, boot_legacy, boot_uefi
from tests.unit.simulator.outside import MIB, make_gpt_image, make_mbr_image, sh


@pytest.mark.parametrize(
    ("loader", "result"),
    [
        (r"\EFI\debian\grubx64.efi", BootResult.LOADER),
        (r"\efi\DEBIAN\GrubX64.EFI", BootResult.LOADER),
        (r"efi\debian\grubx64.efi", BootResult.LOADER),
        (r"\EFI\debian\shimx64.efi", BootResult.REFIND),
        (r"\EFI\debian", BootResult.REFIND),
        (r"\EFI\*\grubx64.efi", BootResult.REFIND),
        (r"\EFI\debian\grub?64.efi", BootResult.REFIND),
        ("/EFI/debian/grubx64.efi", BootResult.REFIND),
        ("\\EFI\\debian\\grubx64.efi\x00", BootResult.REFIND),
        ("-x", BootResult.REFIND),
    ],
)
def test_the_declared_loader_is_looked_up_as_the_firmware_does(images: Path, loader: str, result: BootResult) -> None:
    assert boot_uefi(images / "gpt.raw", loader, Event()).result is result


def test_a_long_name_is_found(tmp_path: Path) -> None:
    disk = make_gpt_image(tmp_path / "disk.raw", loaders=("Some Vendor/A rather long loader.efi".replace(" ", "_"),))
    outcome = boot_uefi(disk, r"\efi\some_vendor\a_rather_long_loader.efi", Event())
    assert outcome.result is BootResult.LOADER


def test_an_esp_without_loaders_does_not_boot(tmp_path: Path) -> None:
    disk = make_gpt_image(tmp_path / "disk.raw", loaders=())
    assert boot_uefi(disk, r"\EFI\BOOT\BOOTX64.EFI", Event()).detail == "the EFI system partition has no loader"


def test_a_disk_without_esp_does_not_boot(images: Path) -> None:
    outcome = boot_uefi(images / "mbr.raw", r"\EFI\BOOT\BOOTX64.EFI", Event())
    assert (outcome.result, outcome.detail) == (BootResult.NONE, "the disk has no EFI system partition")


def test_an_esp_in_an_mbr_is_an_esp(tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    sh(f"truncate -s 8M {disk}")
    sh(f"sfdisk --quiet --no-reread --no-tell-kernel {disk}", script="label: dos\nstart=2048, size=4M, type=ef\n")
    esp = f"-i {disk}@@{MIB}"
    sh(f"mformat {esp} -T 8192 :: && mmd {esp} ::/EFI ::/EFI/BOOT && mcopy {esp} - ::/EFI/BOOT/BOOTX64.EFI")
    assert boot_uefi(disk, r"\EFI\BOOT\BOOTX64.EFI", Event()).result is BootResult.LOADER


def test_a_legacy_boot_needs_boot_code_in_the_first_sector(images: Path, tmp_path: Path) -> None:
    assert boot_legacy(make_mbr_image(tmp_path / "a.raw"), is_first_disk=True).result is BootResult.LOADER
    assert boot_legacy(images / "gpt.raw", is_first_disk=True).result is BootResult.NONE
    erased = tmp_path / "erased.raw"
    erased.write_bytes(bytes(512))
    assert boot_legacy(erased, is_first_disk=True).result is BootResult.NONE
