"""What becomes of the outcomes of a deployment's checks: refused, told, or told as not compared."""

from __future__ import annotations

import pytest

from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.boot import BootMode
from byoi_tools.model.finding import ImageSummary, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.pipeline.matching import does_server_fit, refuse_misfits
from tests.unit.deployment.examples import NAME, Told

PASSED = Outcome("target.ram", OutcomeKind.PASSED, Severity.ERROR, "the server has the memory")
ERROR = Outcome(
    "target.boot-mode", OutcomeKind.FAILED, Severity.ERROR, "no way", "legacy", "uefi", "bootMode", "Build it."
)
OTHER = Outcome("api.hostname", OutcomeKind.FAILED, Severity.ERROR, "no name", "_", "a", "hostname", "Name it.")
WARNING = Outcome(
    "target.rescue-mode", OutcomeKind.FAILED, Severity.WARNING, "rescue", "rescue", "disk", "boot", "Leave."
)
INFO = Outcome("target.monitoring", OutcomeKind.FAILED, Severity.INFO, "watched", "on", "off", "server", "Switch it.")
BROKEN = Outcome("target.arch", OutcomeKind.ERRORED, Severity.ERROR, "the check itself broke", remedy="Report it.")
UNKNOWN = Outcome("target.disk-size", OutcomeKind.SKIPPED, Severity.ERROR, "the API gives no diskGroups")
UNKNOWN_TOO = Outcome("target.disk-group", OutcomeKind.SKIPPED, Severity.ERROR, "the API gives no diskGroups")
UNASKED = Outcome("target.raid-controller", OutcomeKind.SKIPPED, Severity.WARNING, "the API gives no raidController")
OF_THE_IMAGE = Outcome("esp.present", OutcomeKind.FAILED, Severity.ERROR, "no ESP", "none", "one", "table", "Make one.")


def test_what_fits_is_told_with_its_doubts() -> None:
    told = Told()
    refuse_misfits(NAME, [PASSED, WARNING, INFO, UNKNOWN, UNKNOWN_TOO, UNASKED], Severity.ERROR, told)
    assert told.notes == ["watched: on (target.monitoring)"]
    assert told.warnings == [
        "rescue: rescue (target.rescue-mode)",
        "not compared: target.disk-size, target.disk-group: the API gives no diskGroups",
    ]


@pytest.mark.parametrize("fail_on", [Severity.ERROR, Severity.WARNING, None])
def test_an_error_always_refuses(fail_on: Severity | None) -> None:
    told = Told()
    with pytest.raises(DeploymentRefused, match=f"nothing was sent to {NAME}: no way") as refusal:
        refuse_misfits(NAME, [PASSED, ERROR, INFO, UNKNOWN], fail_on, told)
    assert refusal.value.details == "legacy; expected: uefi"
    assert refusal.value.remedy == "Build it."
    assert (told.warnings, told.notes) == ([], [])


def test_all_reasons_are_refused_at_once() -> None:
    with pytest.raises(DeploymentRefused, match="2 reasons against it") as refusal:
        refuse_misfits(NAME, [ERROR, OTHER], None, Told())
    assert str(refusal.value.details).splitlines() == [
        "no way: legacy; expected: uefi",
        "no name: _; expected: a",
    ]
    assert refusal.value.remedy.splitlines() == ["Build it.", "Name it."]


def test_warnings_refuse_where_they_shall() -> None:
    with pytest.raises(DeploymentRefused, match="rescue"):
        refuse_misfits(NAME, [WARNING], Severity.WARNING, Told())


def test_a_check_that_broke_refuses() -> None:
    with pytest.raises(DeploymentRefused, match="broke"):
        refuse_misfits(NAME, [BROKEN], None, Told())


@pytest.mark.parametrize(
    ("outcome", "fail_on", "fits"),
    [
        (ERROR, Severity.ERROR, False),
        (ERROR, None, True),
        (WARNING, Severity.ERROR, True),
        (WARNING, Severity.WARNING, False),
        (BROKEN, Severity.ERROR, False),
        (OF_THE_IMAGE, Severity.ERROR, True),
        (UNKNOWN, Severity.WARNING, True),
    ],
)
def test_a_bad_image_is_no_unfit_server(outcome: Outcome, fail_on: Severity | None, fits: bool) -> None:
    summary = ImageSummary("image.raw", ImageFormat.RAW, 1, 1)
    report = Report(summary, BootMode.UEFI, "test", None, (PASSED, outcome), fail_on)
    assert does_server_fit(report) is fits
