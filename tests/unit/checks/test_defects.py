"""Each defective image fails the check that it was made for, and no other of any family; the good one fails none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import ImageType
from byoi_tools.model.intent import Intent, Target
from fixtures.tiny.byolinux import turn_into_byolinux
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.recipes import NO_CONTEXT, Boot, Context, Recipe, recipes

TODAY = "2026-01-31"
KNOWN_IDS = frozenset(check.id for check in CHECKS)
EVERYTHING_KNOWN = Context(
    image_type="raw",
    server_memory_bytes=64 << 30,
    server_disk_bytes=480 * 10**9,
    user_data=b"#cloud-config\nlocale: C.UTF-8\n",
)

# What cannot be looked at in the good image, by what is missing.
NEED_QCOW2 = {
    "container.backing-file",
    "container.data-file",
    "container.unknown-features",
    "container.dirty-bit",
    "container.corrupt-bit",
    "container.compression-zstd",
    "container.extended-l2",
    "container.encrypted",
    "container.internal-snapshots",
    "container.sparse-holes",
    "container.hostile-limits",
}
NEED_RAW = {"container.trailing-garbage", "size.bloat"}
NEED_GPT = {
    "size.sector-512-vs-4k",
    "ptable.gpt-header-crc",
    "ptable.gpt-entries-crc",
    "ptable.gpt-backup",
    "ptable.gpt-backup-beyond",
    "ptable.gpt-usable-range",
    "ptable.gpt-free-entry",
    "ptable.dup-partuuid",
    "ptable.pmbr",
    "ptable.hybrid-mbr",
    "container.trailing-garbage",
}
NEED_MBR = {"size.mbr-2tib", "ptable.mbr-active", "ptable.mbr-primaries", "ptable.mbr-disk-id"}
NEED_LEGACY = {"ptable.mbr-signature", "ptable.mbr-active"}
NEED_SERVER = {"size.ram-limit", "size.disk-limit", "size.slack-end", "size.userdata-limit", "size.mbr-2tib"}
NEED_TYPE = {"container.format-mismatch"}
FAMILIES_HERE = ("container", "size", "ptable")


def check_tiny(image: Path, boot: Boot, context: Context) -> Report:
    """The report on an image under a recipe's context, in which every finding counts as a failure."""
    profile = load_profile(context.profile or f"ovh-byoi-{boot}", KNOWN_IDS)
    intent = Intent(
        product=profile.product,
        boot=BootMode(boot),
        loader_path=context.loader_path,
        image_type=ImageType(context.image_type) if context.image_type else None,
        user_data=context.user_data,
        target=target_of(profile.target, context),
        today=Known(date.fromisoformat(context.today or TODAY)),
    )
    return check_image(CHECKS, inspect_image(image), intent, profile, fail_on=Severity.INFO)


def target_of(target: Target, context: Context) -> Target:
    if context.server_memory_bytes is not None:
        target = replace(target, memory_bytes=Known(context.server_memory_bytes))
    if context.server_disk_bytes is not None:
        target = replace(target, disk_bytes=Known(context.server_disk_bytes))
    if context.server_raid_controller is not None:
        target = replace(target, raid_controller=Known(context.server_raid_controller))
    return target


def findings(report: Report) -> list[Outcome]:
    return [o for o in report.outcomes if o.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_a_defect_fails_its_check_and_no_other(recipe: Recipe, tmp_path: Path) -> None:
    report = check_tiny(recipe.build(tmp_path), recipe.boot, recipe.context)
    found = findings(report)
    assert {(o.check_id, o.kind) for o in found} == {(recipe.check, OutcomeKind.FAILED)}, found
    assert not report.has_passed
    for outcome in found:
        texts = (outcome.message, outcome.observed, outcome.expected, outcome.evidence, outcome.remedy)
        assert all(text and text.isprintable() for text in texts), outcome


def skipped_here(report: Report) -> set[str]:
    return {o.check_id for o in report.of_kind(OutcomeKind.SKIPPED) if o.family in FAMILIES_HERE}


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_the_good_raw_image_passes_all(boot: Boot, tmp_path: Path) -> None:
    report = check_tiny(Canvas(tmp_path / ".canvas").as_raw(tmp_path / "image.raw"), boot, EVERYTHING_KNOWN)
    assert findings(report) == []
    assert skipped_here(report) == NEED_QCOW2 | NEED_MBR | (NEED_LEGACY if boot == "uefi" else set())


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
@pytest.mark.parametrize("options", [(), ("-c",)], ids=["plain", "compressed"])
def test_the_good_qcow2_image_passes_all(boot: Boot, options: tuple[str, ...], tmp_path: Path) -> None:
    context = replace(EVERYTHING_KNOWN, image_type="qcow2")
    report = check_tiny(Canvas(tmp_path / ".canvas").as_qcow2(tmp_path / "image.qcow2", *options), boot, context)
    assert findings(report) == []
    assert skipped_here(report) == NEED_RAW | NEED_MBR | (NEED_LEGACY if boot == "uefi" else set())


def test_the_good_mbr_image_passes_all_that_is_for_legacy_boot(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.turn_into_mbr()
    report = check_tiny(canvas.as_raw(tmp_path / "image.raw"), "legacy", EVERYTHING_KNOWN)
    assert findings(report) == []
    assert skipped_here(report) == NEED_QCOW2 | NEED_GPT


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_the_good_image_for_bring_your_own_linux_passes_all(boot: Boot, tmp_path: Path) -> None:
    image = turn_into_byolinux(Canvas(tmp_path / ".canvas")).as_qcow2(tmp_path / "image.qcow2")
    report = check_tiny(image, boot, replace(EVERYTHING_KNOWN, image_type="qcow2", profile="ovh-byolinux"))
    assert findings(report) == []
    assert {o.check_id for o in report.outcomes if o.family == "byol" and o.kind is not OutcomeKind.PASSED} == set()


def test_without_a_server_nothing_about_it_is_judged(tmp_path: Path) -> None:
    report = check_tiny(Canvas(tmp_path / ".canvas").as_raw(tmp_path / "image.raw"), "legacy", NO_CONTEXT)
    assert findings(report) == []
    assert skipped_here(report) == NEED_QCOW2 | NEED_MBR | NEED_SERVER | NEED_TYPE


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("ptable.gpt-backup.no_backup", Severity.ERROR),
        ("ptable.gpt-backup.damaged_backup", Severity.ERROR),
        ("ptable.gpt-backup.another_backup", Severity.WARNING),
        ("ptable.gpt-backup.disk_grown_without_its_table", Severity.WARNING),
        ("ptable.pmbr.active_protective_entry", Severity.WARNING),
        ("ptable.pmbr.no_protective_entry", Severity.ERROR),
        ("size.mbr-2tib.mbr_for_a_large_disk", Severity.WARNING),
        ("size.mbr-2tib.mbr_on_a_large_disk", Severity.ERROR),
    ],
)
def test_a_case_that_is_less_bad_says_so(name: str, severity: Severity, tmp_path: Path) -> None:
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]
    (found,) = findings(check_tiny(recipe.build(tmp_path), recipe.boot, recipe.context))
    assert found.severity is severity


@pytest.mark.parametrize(
    ("name", "observed", "evidence"),
    [
        ("container.backing-file.overlay", '"/etc/passwd"', "bytes 8-19"),
        ("container.backing-file.overlay_of_a_web_page", r'"http://localhost:9/\x1b[2J"', "bytes 8-19"),
        ("container.unknown-features.feature_of_the_future", "bits 63", "bytes 72-79"),
        ("container.format-mismatch.qcow2_declared_raw", "qcow2", "bytes 0-3"),
        ("container.raw-multiple-512.part_of_a_sector", "131072 sectors of 512 bytes and 100 bytes more", "size"),
        ("container.trailing-garbage.rest_of_an_older_image", "8.0 MiB (8388608 bytes)", "bytes 67108864-75497471"),
        ("ptable.present.file_system_without_a_table", "ext4", "LBA 0"),
        ("ptable.gpt-header-crc.header_of_another_sector", "in LBA 7, and is in LBA 1", "byte 512"),
        ("ptable.gpt-backup-beyond.cut_behind_the_root", "LBA 131071", "AlternateLBA"),
        ("ptable.overlap.esp_reaches_into_the_root", "partition 2 and partition 3", "sectors 86016-126975"),
        ("ptable.dup-partuuid.root_has_the_guid_of_the_esp", "partition 2; partition 3", "LBA 1"),
        ("ptable.alignment.crooked_partition", "partition 4 starts at byte 32256", r'partition 4 "\x1b[31mred"'),
        ("byol.one-partition.partition_beside_the_root", 'partition 1 "spare"; partition 3 "root"', "table"),
        ("size.ram-limit.as_large_as_what_is_left", "64.0 MiB (67108864 bytes)", "file"),
    ],
)
def test_a_finding_shows_what_was_seen_and_where(name: str, observed: str, evidence: str, tmp_path: Path) -> None:
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]
    (found,) = findings(check_tiny(recipe.build(tmp_path), recipe.boot, recipe.context))
    assert observed in found.observed
    assert evidence in found.evidence


def test_both_copies_of_a_gpt_can_be_broken(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.edit_gpt_header(header_crc32=0xBAD0_BAD0)
    report = check_tiny(canvas.as_raw(tmp_path / "image.raw"), "uefi", NO_CONTEXT)
    assert {"ptable.gpt-header-crc", "ptable.gpt-backup"} <= {o.check_id for o in findings(report)}
    skipped = {o.check_id: o.message for o in report.of_kind(OutcomeKind.SKIPPED)}
    assert skipped["ptable.gpt-free-entry"] == "neither copy of the GPT is valid"


def test_a_text_file_named_qcow2_is_neither_qcow2_nor_a_disk(tmp_path: Path) -> None:
    image = tmp_path / "image.qcow2"
    image.write_text("#!/bin/sh\necho hello\n" * 100)
    found = findings(check_tiny(image, "uefi", Context(image_type="qcow2")))
    assert {"container.format-mismatch", "ptable.present"} <= {o.check_id for o in found}


def test_a_file_shorter_than_a_sector_is_truncated(tmp_path: Path) -> None:
    image = tmp_path / "image.raw"
    image.write_bytes(b"\xeb\x63\x90" * 30)
    assert "container.truncated" in {o.check_id for o in findings(check_tiny(image, "legacy", NO_CONTEXT))}
