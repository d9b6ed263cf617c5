"""The checks of legacy boot where more than their recipes is to be shown."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from byoi_tools.checks import bios, esp
from byoi_tools.checks.check import Check
from byoi_tools.model.finding import OutcomeKind
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.grub import BOOT_CODE_SIZE, FIRST_BLOCK_OFFSET
from fixtures.tiny.layout import BIOS_BOOT, ESP, SECTOR
from tests.unit.checks.tiny_images import ask_once, has_passed


@pytest.mark.parametrize("check", [bios.mbr_code, bios.mbr_code_kind, bios.grub_core, bios.gap_size, bios.hybrid_ok])
def test_the_good_mbr_image_passes(check: Check, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.turn_into_mbr()
    assert has_passed(check, canvas.as_raw(tmp_path / "image.raw"), "legacy")


@pytest.mark.parametrize(("free_sectors", "kind"), [(63, OutcomeKind.FAILED), (64, OutcomeKind.PASSED)])
def test_the_gap_has_room_for_64_more_sectors(free_sectors: int, kind: OutcomeKind, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.turn_into_mbr()
    count = ESP.first_lba - free_sectors - 2  # LBA 0, and the sector that holds the list
    canvas.write(SECTOR + FIRST_BLOCK_OFFSET + 8, struct.pack("<H", count))
    assert ask_once(bios.gap_size, canvas.as_raw(tmp_path / "image.raw"), "legacy").kind is kind


def test_a_core_image_that_reaches_into_a_partition_is_an_error(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.turn_into_mbr()
    canvas.write(SECTOR + FIRST_BLOCK_OFFSET + 8, struct.pack("<H", ESP.first_lba))
    image = canvas.as_raw(tmp_path / "image.raw")
    assert "reaches into partition 1" in ask_once(bios.grub_core, image, "legacy").observed
    assert ask_once(bios.gap_size, image, "legacy").kind is OutcomeKind.SKIPPED


@pytest.mark.parametrize("is_esp_readable", [True, False])
def test_missing_boot_code_is_told_once(is_esp_readable: bool, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.wipe(0, BOOT_CODE_SIZE)
    canvas.delete_partition(BIOS_BOOT.number)
    if not is_esp_readable:
        canvas.wipe(ESP.offset, SECTOR)
    image = canvas.as_raw(tmp_path / "image.raw")
    both = [ask_once(check, image, "legacy") for check in (esp.boot_mode_support, bios.mbr_code)]
    assert [outcome.check_id for outcome in both if outcome.kind is OutcomeKind.FAILED] == [
        "esp.boot-mode-support" if is_esp_readable else "bios.mbr-code"
    ]


def test_boot_code_that_points_nowhere_is_no_legacy_boot(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.wipe(BIOS_BOOT.offset, BIOS_BOOT.size)
    image = canvas.as_raw(tmp_path / "image.raw")
    assert ask_once(bios.hybrid_ok, image, "uefi").message == "the image boots by uefi only"
    assert ask_once(bios.hybrid_ok, image, "legacy").kind is OutcomeKind.SKIPPED
