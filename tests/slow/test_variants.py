"""Real systems with one thing changed: the check finds that thing, and real boots agree with its verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixtures.libguestfs import libguestfs_environment
from fixtures.variants.build import VARIANTS
from tests.command import byoi_tools
from tests.real_images import IMAGE, variant
from tests.rehearsed_boot import rehearse

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
    ("name", "boot", "disk"), [("uki", "uefi", "nvme"), ("uki", "uefi", "ahci"), ("mbr", "legacy", "ahci")]
)
def test_what_passes_boots(name: str, boot: str, disk: str, tmp_path: Path) -> None:
    run = rehearse(variant(name), tmp_path, "--boot", boot, "--disk", disk, "--until", "login")
    assert run.code == 0, run.said


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "disk", "missed", "explanation"),
    [
        ("virtio-initramfs", "nvme", "root mounted", "initrd.virtio-only"),
        ("virtio-initramfs", "ahci", "root mounted", "initrd.virtio-only"),
        ("vda", "nvme", "root mounted", "root.device-name"),
        ("nocloud", "nvme", "cloud-init done", "cloud.datasource"),
    ],
)
def test_what_fails_ends_early_and_the_finding_says_why(
    name: str, disk: str, missed: str, explanation: str, tmp_path: Path
) -> None:
    run = rehearse(variant(name), tmp_path, "--boot", "uefi", "--disk", disk)
    assert (run.code, run.missed) == (1, missed), run.said
    assert explanation in run.explained_by
