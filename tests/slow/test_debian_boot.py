"""The Debian image starts as it would on a server: both firmwares, each with another kind of disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fixtures.boot import DiskBus, Firmware, boot_image
from fixtures.debian.build import ensure_image

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
TEN_MINUTES = 600


@pytest.fixture(scope="module")
def image() -> Path:
    ensure_image(IMAGE)
    return IMAGE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("firmware", "bus"), [(Firmware.UEFI, DiskBus.NVME), (Firmware.BIOS, DiskBus.AHCI)], ids=["uefi", "bios"]
)
def test_boots_to_a_login_prompt(image: Path, firmware: Firmware, bus: DiskBus) -> None:
    before = _sha256(image)
    boot = boot_image(
        image, image_format="qcow2", firmware=firmware, bus=bus, until="login:", timeout_seconds=TEN_MINUTES
    )
    end = f"after {boot.seconds:.0f} s the console ended with:\n{boot.last_lines()}"
    assert boot.reached, end
    assert ("efi: EFI v" in boot.console) == (firmware is Firmware.UEFI), "the kernel saw another firmware"
    assert "[FAILED]" not in boot.console, f"a service failed; {end}"
    assert _sha256(image) == before, "the boot wrote to the image"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
