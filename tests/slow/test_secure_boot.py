"""With Secure Boot on, the firmware starts what Microsoft's keys have signed, and refuses the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.debian.build import ensure_image
from fixtures.signed_loaders import SIGNED_LOADER, write_signed_disk
from tests.rehearsed_boot import rehearse

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"


@pytest.fixture(scope="module")
def image() -> Path:
    ensure_image(IMAGE)
    return IMAGE


@pytest.mark.slow
def test_an_unsigned_loader_is_refused(image: Path, tmp_path: Path) -> None:
    boot = rehearse(image, tmp_path, "--boot", "uefi", "--secure-boot")
    assert (boot.code, boot.missed) == (1, "loader"), boot.said
    assert boot.document["ending"].startswith("Secure Boot: the firmware refuses")
    assert "Access Denied" in boot.console
    assert "esp.secureboot-signed" in boot.explained_by


@pytest.mark.slow
def test_a_signed_shim_starts_a_signed_system(image: Path, tmp_path: Path) -> None:
    disk = tmp_path / "signed.raw"
    write_signed_disk(image.with_suffix(".raw"), disk)
    order = ("--boot", "uefi", "--secure-boot", "--efi-bootloader-path", SIGNED_LOADER, "--until", "login")
    boot = rehearse(disk, tmp_path, *order)
    assert boot.code == 0, boot.said
    assert "secureboot: Secure boot enabled" in boot.console, "the kernel saw it off"
