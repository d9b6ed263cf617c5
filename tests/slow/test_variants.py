"""Real systems with one thing changed: the check finds that thing, and real boots agree with its verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixtures.boot import DiskBus, Firmware, boot_image
from fixtures.libguestfs import libguestfs_environment
from fixtures.variants.build import VARIANTS, ensure_variant
from tests.command import byoi_tools

BUILD = Path(__file__).parents[2] / "build"
IMAGE = BUILD / "debian-12.qcow2"
TEN_MINUTES = 600

# What must be found, at the severity that fails the image; nothing else may fail it.
ERRORS: dict[str, tuple[list[str], set[str]]] = {
    "cloud-kernel": (["--boot", "uefi"], {"driver.net", "initrd.ahci"}),
    "virtio-initramfs": (["--boot", "uefi"], {"initrd.virtio-only"}),
    "xfs": (["--boot", "uefi"], set()),
    "btrfs": (["--boot", "uefi"], set()),
    "lvm": (["--boot", "uefi"], {"initrd.lvm-luks-md"}),
    "mbr": (["--boot", "legacy"], set()),
    "uki": (["--boot", "uefi"], set()),
    "nocloud": (["--boot", "uefi"], {"cloud.datasource"}),
    "vda": (["--boot", "uefi"], {"root.device-name", "fstab.device-name"}),
    "byolinux": (["--profile", "ovh-byolinux", "--boot", "uefi"], set()),
}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="variants are built in an overlay, which needs root")


def variant(name: str) -> Path:
    return ensure_variant(name, IMAGE, BUILD / "variants")


def test_every_variant_has_an_expectation() -> None:
    assert set(ERRORS) == set(VARIANTS)


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize("name", ERRORS)
def test_the_check_finds_what_was_changed(name: str, tmp_path: Path) -> None:
    flags, expected = ERRORS[name]
    image = variant(name)
    if name == "byolinux":  # which takes qcow2 alone
        assert byoi_tools("convert", image, tmp_path / "image.qcow2").code == 0
        image = tmp_path / "image.qcow2"
    # What is read by guestfs alone needs a kernel for its appliance, which a container does not have.
    environment = libguestfs_environment(IMAGE.with_suffix(".raw")) if name == "btrfs" else None
    run = byoi_tools("check", image, *flags, "--format", "json", environment=environment)
    report = json.loads(run.output)
    found = {o["id"] for o in report["outcomes"] if o["outcome"] == "failed" and o["severity"] == "error"}
    assert found == expected
    assert not [o for o in report["outcomes"] if o["outcome"] == "errored"]
    assert run.code == (1 if expected else 0)


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "firmware", "bus", "until"),
    [
        ("uki", Firmware.UEFI, DiskBus.NVME, "login:"),
        ("uki", Firmware.UEFI, DiskBus.AHCI, "login:"),
        ("mbr", Firmware.BIOS, DiskBus.AHCI, "login:"),
        ("virtio-initramfs", Firmware.UEFI, DiskBus.NVME, "(initramfs)"),
        ("virtio-initramfs", Firmware.UEFI, DiskBus.AHCI, "(initramfs)"),
        ("vda", Firmware.UEFI, DiskBus.NVME, "(initramfs)"),
    ],
)
def test_a_real_boot_agrees(name: str, firmware: Firmware, bus: DiskBus, until: str) -> None:
    """A passing image reaches the login prompt; one that fails on its root ends in the initramfs's shell."""
    boot = boot_image(
        variant(name), image_format="raw", firmware=firmware, bus=bus, until=until, timeout_seconds=TEN_MINUTES
    )
    assert boot.reached, f"after {boot.seconds:.0f} s the console ended with:\n{boot.last_lines()}"
    assert ("login:" in boot.console) == (until == "login:")
