"""Which findings are shown for which milestone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.finding import ImageSummary, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.rehearsal import DiskBus, Milestone, Rehearsal, RehearsalOrder, Sighting, Until
from byoi_tools.pipeline.explaining import FAMILIES, SECURE_BOOT_CHECKS, explain

SUMMARY = ImageSummary("image.raw", ImageFormat.RAW, 1, 1)


def report(*findings: tuple[str, Severity]) -> Report:
    outcomes = tuple(Outcome(check_id, OutcomeKind.FAILED, severity, "bad") for check_id, severity in findings)
    return Report(SUMMARY, BootMode.UEFI, "ovh-byoi-uefi", None, outcomes, Severity.ERROR)


def ended(missed: Milestone | None, *, has_secure_boot: bool = False) -> Rehearsal:
    """A rehearsal that has passed whatever comes before; None when it has reached its goal."""
    order = RehearsalOrder(
        BootMode.UEFI,
        "",
        DiskBus.NVME,
        1 << 30,
        Customizations(),
        Until.SSH,
        600.0,
        has_secure_boot=has_secure_boot,
    )
    milestones = list(Milestone)
    passed = milestones[: milestones.index(missed)] if missed else milestones
    sightings = tuple(Sighting(milestone, 1.0, "") for milestone in passed)
    return Rehearsal(order, "tcg", sightings, 1.0, "", (), NotExamined("nobody"))


MANY = report(
    ("fs.root-grow", Severity.WARNING),
    ("ssh.root-policy", Severity.ERROR),
    ("initrd.virtio-only", Severity.ERROR),
    ("esp.loader-declared", Severity.ERROR),
    ("cloud.datasource", Severity.ERROR),
    ("fstab.unresolved", Severity.ERROR),
    ("root.device-name", Severity.ERROR),
)


@pytest.mark.parametrize(
    ("missed", "ids"),
    [
        (Milestone.LOADER, ["esp.loader-declared"]),
        (Milestone.ROOT, ["root.device-name", "initrd.virtio-only"]),
        (Milestone.KERNEL, ["esp.loader-declared"]),
        (Milestone.INIT, ["fstab.unresolved", "root.device-name"]),
        (Milestone.NETWORK, ["cloud.datasource", "fstab.unresolved", "root.device-name"]),
        (Milestone.LOGIN, ["fstab.unresolved", "root.device-name"]),
        (Milestone.CLOUD_INIT, ["cloud.datasource", "fstab.unresolved", "root.device-name"]),
        (Milestone.SSH, ["ssh.root-policy", "cloud.datasource"]),
        (Milestone.FIRMWARE, []),
        (None, []),
    ],
)
def test_only_what_can_be_the_reason_is_shown(missed: Milestone | None, ids: list[str]) -> None:
    assert [outcome.check_id for outcome in explain(ended(missed), MANY)] == ids


def test_warnings_explain_only_where_there_are_no_errors() -> None:
    warned = report(("initrd.hostonly", Severity.WARNING), ("root.resume", Severity.INFO))
    assert [outcome.check_id for outcome in explain(ended(Milestone.ROOT), warned)] == ["initrd.hostonly"]
    assert explain(ended(Milestone.ROOT), report(("root.resume", Severity.INFO))) == ()


def test_a_silent_console_leaves_all_that_comes_after_the_loader() -> None:
    silent = replace(ended(Milestone.KERNEL), is_console_silent=True)
    ids = [outcome.check_id for outcome in explain(silent, MANY)]
    assert {"cloud.datasource", "fstab.unresolved", "ssh.root-policy", "initrd.virtio-only"} <= set(ids)


UNSIGNED = "no program of the ESP is signed"


def with_skipped(report: Report, check_id: str) -> Report:
    outcome = Outcome(check_id, OutcomeKind.SKIPPED, Severity.INFO, UNSIGNED)
    return replace(report, outcomes=(*report.outcomes, outcome))


def test_with_secure_boot_the_signatures_are_told_last() -> None:
    unsigned = with_skipped(report(("esp.loader-declared", Severity.ERROR)), "esp.secureboot-signed")
    secure = explain(ended(Milestone.LOADER, has_secure_boot=True), unsigned)
    assert [outcome.check_id for outcome in secure] == ["esp.loader-declared", "esp.secureboot-signed"]
    assert secure[1].message == UNSIGNED
    assert len(explain(ended(Milestone.LOADER), unsigned)) == 1
    assert explain(ended(Milestone.SSH, has_secure_boot=True), unsigned) == ()


def test_an_unsigned_second_stage_is_told_and_what_was_skipped_is_not() -> None:
    unsigned = with_skipped(report(("esp.secureboot-chain", Severity.INFO)), "esp.sbat")
    secure = explain(ended(Milestone.KERNEL, has_secure_boot=True), unsigned)
    assert [outcome.check_id for outcome in secure] == ["esp.secureboot-chain"]


def test_every_family_that_is_named_exists() -> None:
    known = {check.id.partition(".")[0] for check in CHECKS}
    assert {family for families in FAMILIES.values() for family in families} <= known
    assert set(FAMILIES) == set(Milestone)
    assert set(SECURE_BOOT_CHECKS) <= {check.id for check in CHECKS}
