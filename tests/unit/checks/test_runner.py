"""The runner: how checks end, and that a check that breaks fails the image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from byoi_tools.checks.check import Check, Examine, check
from byoi_tools.checks.runner import check_image
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Observation, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import Container, ImageFormat
from byoi_tools.model.intent import Intent
from byoi_tools.model.profile import CheckSetting, Profile

REASON = NotExamined("the disk could not be read")
CONTAINER = Container("image.raw", 1024, 512, ImageFormat.RAW, (), Known(1024), None)
FACTS = Facts(CONTAINER, disk=REASON, esps=REASON, bios=REASON)
INTENT = Intent(Product.BYOI, BootMode.UEFI)
SEEN = Observation("it is wrong", observed="this", expected="that", evidence="bytes 0-3")


def passes(subject: Subject) -> Iterator[Observation]:
    yield from ()


def fails(subject: Subject) -> Iterator[Observation]:
    yield SEEN


def breaks(subject: Subject) -> Iterator[Observation]:
    raise ZeroDivisionError("oh")
    yield SEEN


def asks_for_the_disk(subject: Subject) -> Iterator[Observation]:
    if subject.disk.size_bytes:
        yield SEEN


def fails_then_asks_for_the_disk(subject: Subject) -> Iterator[Observation]:
    yield SEEN
    yield from asks_for_the_disk(subject)


def fails_then_breaks(subject: Subject) -> Iterator[Observation]:
    yield SEEN
    yield from breaks(subject)


def of(examine: Examine, severity: Severity = Severity.WARNING) -> Check:
    return check("family.name", "all is well", severity, remedy="repair it")(examine)


def profile(*settings: CheckSetting) -> Profile:
    return Profile("test", "", Product.BYOI, None, INTENT.target, settings)


def run(one: Check, rules: Profile | None = None, fail_on: Severity | None = Severity.ERROR) -> Report:
    return check_image([one], FACTS, INTENT, rules or profile(), fail_on)


def only(report: Report) -> Outcome:
    (outcome,) = report.outcomes
    return outcome


def test_a_check_that_sees_nothing_wrong_passes() -> None:
    outcome = only(run(of(passes)))
    assert (outcome.kind, outcome.check_id, outcome.message) == (OutcomeKind.PASSED, "family.name", "all is well")


def test_what_a_check_sees_becomes_a_finding_with_its_remedy() -> None:
    assert only(run(of(fails))) == Outcome(
        "family.name", OutcomeKind.FAILED, Severity.WARNING, "it is wrong", "this", "that", "bytes 0-3", "repair it"
    )


@pytest.mark.parametrize("examine", [breaks, fails_then_breaks])
@pytest.mark.parametrize("severity", list(Severity))
def test_a_check_that_breaks_fails_the_image_whatever_its_severity(examine: Examine, severity: Severity) -> None:
    report = run(of(examine, severity), fail_on=Severity.ERROR)
    assert only(report).kind is OutcomeKind.ERRORED
    assert "ZeroDivisionError: oh" in only(report).message
    assert not report.has_passed


def test_a_fact_that_was_not_examined_skips_with_its_reason() -> None:
    outcome = only(run(of(asks_for_the_disk)))
    assert (outcome.kind, outcome.message) == (OutcomeKind.SKIPPED, "the disk could not be read")


def test_what_was_seen_before_a_fact_was_missing_stays() -> None:
    outcome = only(run(of(fails_then_asks_for_the_disk)))
    assert (outcome.kind, outcome.message) == (OutcomeKind.FAILED, "it is wrong")


def test_an_observation_may_be_less_bad_than_its_check_but_not_worse() -> None:
    def seen_as(severity: Severity) -> Examine:
        def examine(subject: Subject) -> Iterator[Observation]:
            yield Observation("", "", "", "", severity=severity)

        return examine

    assert only(run(of(seen_as(Severity.INFO), Severity.WARNING))).severity is Severity.INFO
    assert only(run(of(seen_as(Severity.ERROR), Severity.WARNING))).severity is Severity.WARNING


def test_an_observation_may_bring_its_own_remedy() -> None:
    def examine(subject: Subject) -> Iterator[Observation]:
        yield Observation("", "", "", "", remedy="turn it off and on")

    assert only(run(of(examine))).remedy == "turn it off and on"


@pytest.mark.parametrize(
    ("fail_on", "has_passed"),
    [(Severity.INFO, False), (Severity.WARNING, False), (Severity.ERROR, True), (None, True)],
)
def test_a_warning_fails_at_its_threshold(fail_on: Severity | None, has_passed: bool) -> None:
    assert run(of(fails, Severity.WARNING), fail_on=fail_on).has_passed is has_passed


@pytest.mark.parametrize(
    ("boot", "product", "reason"),
    [
        (BootMode.LEGACY, None, "it is for legacy boot only"),
        (None, Product.BYOLINUX, "it is for byolinux_64 only"),
        (BootMode.UEFI, Product.BYOI, None),
        (None, None, None),
    ],
)
def test_a_check_runs_for_its_boot_mode_and_product(
    boot: BootMode | None, product: Product | None, reason: str | None
) -> None:
    one = check("family.name", "all is well", Severity.ERROR, remedy="", boot=boot, product=product)(fails)
    outcome = only(run(one))
    expected = (OutcomeKind.SKIPPED, reason) if reason else (OutcomeKind.FAILED, "it is wrong")
    assert (outcome.kind, outcome.message) == expected


def test_a_profile_changes_the_severity() -> None:
    setting = CheckSetting("family.name", Severity.ERROR, None)
    assert only(run(of(fails, Severity.INFO), profile(setting))).severity is Severity.ERROR


def test_a_profile_disables_a_check_with_its_reason() -> None:
    outcome = only(run(of(breaks), profile(CheckSetting("family.*", None, "not for us"))))
    assert (outcome.kind, outcome.message) == (OutcomeKind.SKIPPED, "not for us")


def test_the_report_sums_the_image_up() -> None:
    report = run(of(passes))
    assert (report.image.path, report.image.format, report.image.size_bytes) == ("image.raw", ImageFormat.RAW, 1024)
    assert (report.image.virtual_size_bytes, report.loader_path, report.profile) == (1024, None, "test")
