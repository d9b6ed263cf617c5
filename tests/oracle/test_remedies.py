"""The remedies of findings work: the programs that they name turn the defective image into one that passes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS, find_check
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.finding import OutcomeKind, Severity
from byoi_tools.model.intent import Intent
from fixtures.tiny.recipes import Boot, recipes

pytestmark = pytest.mark.slow  # sgdisk and gdisk sleep a second after each write

FROM_BACKUP = ("gdisk DISK.raw", "r\nb\nw\ny\n")
MOVE_BACKUP = ("sgdisk --move-second-header DISK.raw", "")
NEW_PMBR = ("gdisk DISK.raw", "x\nn\nw\ny\n")
NEW_PMBR_WHEN_ASKED = ("gdisk DISK.raw", "2\nx\nn\nw\ny\n")
NEW_GUIDS = ("sgdisk --randomize-guids DISK.raw", "")
ROOT_TYPE = ("sgdisk --typecode=NUMBER:8304 DISK.raw", "")

REMEDIES = [
    ("ptable.gpt-header-crc.wrong_header_crc", *FROM_BACKUP),
    ("ptable.gpt-header-crc.header_of_another_sector", *FROM_BACKUP),
    ("ptable.gpt-header-crc.revision_of_the_future", *FROM_BACKUP),
    ("ptable.gpt-header-crc.no_primary_header", *FROM_BACKUP),
    ("ptable.gpt-entries-crc.damaged_entries", *FROM_BACKUP),
    ("ptable.gpt-backup.no_backup", *MOVE_BACKUP),
    ("ptable.gpt-backup.damaged_backup", *MOVE_BACKUP),
    ("ptable.gpt-backup.another_backup", *MOVE_BACKUP),
    ("ptable.gpt-backup.disk_grown_without_its_table", *MOVE_BACKUP),
    ("ptable.gpt-backup-beyond.cut_behind_the_root", *MOVE_BACKUP),
    ("ptable.pmbr.active_protective_entry", *NEW_PMBR),
    ("ptable.pmbr.no_signature_before_a_gpt", *NEW_PMBR),
    ("ptable.pmbr.protection_starts_late", *NEW_PMBR),
    ("ptable.pmbr.no_protective_entry", *NEW_PMBR_WHEN_ASKED),
    ("ptable.hybrid-mbr.esp_in_both_tables", *NEW_PMBR),
    ("ptable.dup-partuuid.root_has_the_guid_of_the_esp", *NEW_GUIDS),
    ("ptable.dup-partuuid.zero_guid", *NEW_GUIDS),
    ("ptable.gpt-free-entry.table_of_three_entries", "sgdisk --resize-table=128 DISK.raw", ""),
    ("ptable.unknown-types.type_that_nobody_knows", *ROOT_TYPE),
    ("ptable.unknown-types.root_for_arm", *ROOT_TYPE),
    ("ptable.mbr-active.two_active_partitions", "sfdisk --activate DISK.raw NUMBER", ""),
    ("ptable.mbr-disk-id.zero_disk_id", "sfdisk --disk-id DISK.raw 0x12345678", ""),
    (
        "ptable.mbr-signature.no_signature_for_the_bios",
        r"printf '\125\252' | dd of=DISK.raw bs=1 seek=510 conv=notrunc",
        "",
    ),
    (
        "ptable.bootsector-not-mbr.fat_boot_sector_over_a_gpt",
        "dd if=/dev/zero of=DISK.raw bs=1 seek=3 count=87 conv=notrunc",
        "",
    ),
    ("container.dirty-bit.not_closed", "qemu-img check -f qcow2 -r all IMAGE", ""),
    ("container.corrupt-bit.marked_corrupt", "qemu-img check -f qcow2 -r all IMAGE", ""),
]
# What the user fills in: partitions of the tiny image.
NUMBERS = {"ptable.unknown-types": "3", "ptable.mbr-active": "2"}


@pytest.mark.parametrize(("name", "command", "keys"), REMEDIES, ids=[row[0] for row in REMEDIES])
def test_a_remedy_repairs_the_image(name: str, command: str, keys: str, tmp_path: Path) -> None:
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]
    check = find_check(recipe.check)
    assert check is not None
    assert command in check.remedy
    image = recipe.build(tmp_path)
    if "DISK.raw" in command and image.suffix == ".qcow2":
        image = to_raw(image)
    line = command.replace("DISK.raw", str(image)).replace("IMAGE", str(image))
    line = line.replace("NUMBER", NUMBERS.get(recipe.check, ""))
    done = subprocess.run(line, shell=True, input=keys.encode(), capture_output=True, check=False, timeout=60)  # noqa: S602
    assert found_in(image, recipe.boot) == [], done


def to_raw(qcow2: Path) -> Path:
    raw = qcow2.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", qcow2, raw], check=True)
    return raw


def found_in(image: Path, boot: Boot) -> list[str]:
    profile = load_profile(f"ovh-byoi-{boot}", frozenset(check.id for check in CHECKS))
    intent = Intent(Product.BYOI, BootMode(boot), target=profile.target)
    report = check_image(CHECKS, inspect_image(image), intent, profile, fail_on=Severity.INFO)
    return [o.check_id for o in report.outcomes if o.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]
