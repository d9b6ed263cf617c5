"""Which findings are shown for which milestone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.finding import ImageSummary, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.rehearsal import DiskBus, Milestone
from byoi_tools.model.server import DiskGroup, Server
from byoi_tools.pipeline.rehearsing import FAMILIES, disk_like, explain

SUMMARY = ImageSummary("image.raw", ImageFormat.RAW, 1, 1)


def report(*findings: tuple[str, Severity]) -> Report:
    outcomes = tuple(Outcome(check_id, OutcomeKind.FAILED, severity, "bad") for check_id, severity in findings)
    return Report(SUMMARY, BootMode.UEFI, "ovh-byoi-uefi", None, outcomes, Severity.ERROR)


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
        (Milestone.LOGIN, ["fstab.unresolved", "root.device-name"]),
        (Milestone.CLOUD_INIT, ["cloud.datasource", "fstab.unresolved", "root.device-name"]),
        (Milestone.SSH, ["ssh.root-policy", "cloud.datasource"]),
        (Milestone.FIRMWARE, []),
        (None, []),
    ],
)
def test_only_what_can_be_the_reason_is_shown(missed: Milestone | None, ids: list[str]) -> None:
    assert [outcome.check_id for outcome in explain(missed, MANY)] == ids


def test_warnings_explain_only_where_there_are_no_errors() -> None:
    warned = report(("initrd.hostonly", Severity.WARNING), ("root.resume", Severity.INFO))
    assert [outcome.check_id for outcome in explain(Milestone.ROOT, warned)] == ["initrd.hostonly"]
    assert explain(Milestone.ROOT, report(("root.resume", Severity.INFO))) == ()


@pytest.mark.parametrize(
    ("disk_type", "controller", "boot", "bus"),
    [
        ("NVMe", NotExamined("no controller"), BootMode.UEFI, DiskBus.NVME),
        ("NVME", NotExamined("no controller"), BootMode.LEGACY, DiskBus.NVME),
        ("SATA", NotExamined("no controller"), BootMode.UEFI, DiskBus.AHCI),
        ("SAS", Known("MegaRAID 9361-8i"), BootMode.LEGACY, DiskBus.MEGARAID),
        ("SAS", Known("MegaRAID 9361-8i"), BootMode.UEFI, DiskBus.AHCI),
    ],
)
def test_the_disk_hangs_on_what_the_server_has(
    disk_type: str, controller: Fact[str], boot: BootMode, bus: DiskBus
) -> None:
    group = DiskGroup(1, Known(2), Known(480 * 10**9), disk_type, controller)
    unknown = NotExamined("not asked")
    server = Server("ns1", unknown, unknown, Known((group,)), 1, unknown, ())
    assert disk_like(server, None, boot) is bus
    assert disk_like(replace(server, disk_groups=unknown), None, boot) is DiskBus.NVME


def test_every_family_that_is_named_exists() -> None:
    known = {check.id.partition(".")[0] for check in CHECKS}
    assert {family for families in FAMILIES.values() for family in families} <= known
    assert set(FAMILIES) == set(Milestone)
