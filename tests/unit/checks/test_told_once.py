"""One defect is told once: a check leaves to another what that one tells, says so, and still tells all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.intent import Intent
from fixtures.tiny import loaders
from fixtures.tiny.byolinux import turn_into_byolinux
from fixtures.tiny.canvas import Canvas, patch
from fixtures.tiny.defects.container import mapped_entries
from fixtures.tiny.good_files.boot import ARGUMENTS
from fixtures.tiny.layout import BIOS_BOOT, FALLBACK_LOADER, ROOT, SECTOR
from fixtures.tiny.recipes import Recipe, recipes
from tests.unit.checks.tiny_images import image_with

KNOWN_IDS = frozenset(check.id for check in CHECKS)
COMPRESSED = 1 << 62
SYSTEMD_BOOT = "/EFI/systemd/systemd-bootx64.efi"


def recipe_named(name: str) -> Recipe:
    (found,) = [recipe for recipe in recipes() if recipe.name == name]
    return found


def outcomes(check_id: str, image: Path, boot: str = "uefi", profile_name: str = "ovh-byoi") -> tuple[Outcome, ...]:
    profile = load_profile(profile_name, KNOWN_IDS)
    checks = [check for check in CHECKS if check.id == check_id]
    intent = Intent(profile.product, BootMode(boot))
    return check_image(checks, inspect_image(image), intent, profile, Severity.INFO).outcomes


def failed(check_id: str, image: Path) -> Outcome:
    """The only outcome of a check, which has failed."""
    (outcome,) = outcomes(check_id, image)
    assert outcome.kind is OutcomeKind.FAILED, outcome
    return outcome


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        ("boot.zfs-hostid.host_id_of_the_build_machine", "hygiene.hostid-lvm"),
        ("container.corrupt-bit.damaged_map", "fs.readable"),
        ("container.truncated.raw_without_its_end", "fs.readable"),
        ("esp.sdboot-entries.default_entry_is_broken", "kernel.default-exists"),
        ("esp.sdboot-entries.empty_menu", "kernel.default-exists"),
        ("esp.sdboot-entries.entry_without_initrd", "kernel.default-exists"),
        ("fs.type-byol.root_on_ext2", "byol.fs-type"),
        ("ptable.multi-disk.half_of_a_stripe", "fs.lvm-luks"),
        ("ptable.past-end.mbr_image_without_its_end", "fs.readable"),
    ],
)
def test_a_check_that_leaves_a_defect_to_another_is_skipped_and_names_it(
    name: str, silent: str, tmp_path: Path
) -> None:
    recipe = recipe_named(name)
    profile = recipe.context.profile or "ovh-byoi"
    (outcome,) = outcomes(silent, recipe.build(tmp_path), recipe.boot, profile)
    assert outcome.kind is OutcomeKind.SKIPPED
    assert recipe.check in outcome.message


def test_a_file_system_too_large_for_its_partition_is_told_in_half_an_image_too(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.edit_gpt_entry(ROOT.number, last_lba=ROOT.last_lba - 2048)
    canvas.resize(ROOT.offset + ROOT.size // 2)
    image = canvas.as_raw(tmp_path / "image.raw")
    assert outcomes("container.truncated", image)[0].kind is OutcomeKind.FAILED
    found = failed("fs.readable", image)
    assert found.expected == f"at most 19.0 MiB ({ROOT.size - 2048 * SECTOR} bytes)"


def test_a_damaged_cluster_that_no_check_of_the_container_reads_is_told_by_its_file_system(tmp_path: Path) -> None:
    image = Canvas(tmp_path / ".canvas").as_qcow2(tmp_path / "image.qcow2", "-c")
    _, descriptor = mapped_entries(image, ROOT.offset, ROOT.offset + ROOT.size)[-1]
    assert descriptor & COMPRESSED
    patch(image, descriptor & (1 << 54) - 1, b"\xff" * 64)
    assert outcomes("container.corrupt-bit", image)[0].kind is OutcomeKind.PASSED
    assert "a compressed cluster of the qcow2 image is damaged" in failed("fs.readable", image).observed


def test_what_is_encrypted_is_told_beside_half_an_array(tmp_path: Path) -> None:
    image = recipe_named("ptable.multi-disk.half_of_a_stripe").build(tmp_path)
    patch(image, BIOS_BOOT.offset, b"LUKS\xba\xbe\x00\x02")
    assert failed("fs.lvm-luks", image).evidence.startswith("partition 1")


def test_another_identifier_of_storage_is_told_beside_that_of_zfs(tmp_path: Path) -> None:
    image = recipe_named("boot.zfs-hostid.host_id_of_the_build_machine").build(tmp_path)
    canvas = Canvas(tmp_path / ".canvas")
    image.rename(canvas.path)
    canvas.guest_put("/etc/nvme/hostid", "b101aaaa-0000-4000-8000-000000000000\n")
    found = failed("hygiene.hostid-lvm", canvas.as_raw(image))
    assert "/etc/nvme/hostid" in found.evidence
    assert "/etc/hostid" not in found.evidence


def test_a_menu_that_starts_a_broken_entry_unasked_is_told_by_the_check_of_the_kernel(tmp_path: Path) -> None:
    """Without a default in loader.conf the newest entry is started; for the ESP's check any that works will do."""
    files = {
        SYSTEMD_BOOT: loaders.systemd_boot(),
        FALLBACK_LOADER: loaders.systemd_boot(),
        "/EFI/Linux/tiny-1.efi": loaders.unified_kernel_image(),
        "/loader/entries/tiny-2.conf": f"title Tiny\nlinux /gone\noptions {ARGUMENTS}\n".encode(),
    }
    image = image_with(tmp_path, files, "/EFI/debian")
    assert [outcome.severity for outcome in outcomes("esp.sdboot-entries", image)] == [Severity.WARNING]
    assert failed("kernel.default-exists", image).severity is Severity.ERROR


def test_a_partition_of_byolinux_without_any_file_system_is_told(tmp_path: Path) -> None:
    """It is no volume: what it is, nobody knows."""
    canvas = turn_into_byolinux(Canvas(tmp_path / ".canvas"))
    canvas.wipe(ROOT.offset, ROOT.size)
    image = canvas.as_qcow2(tmp_path / "image.qcow2")
    assert [outcome.kind for outcome in outcomes("byol.fs-type", image, "uefi", "ovh-byolinux")] == [OutcomeKind.FAILED]
