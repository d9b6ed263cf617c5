"""Waivers: what a file may say, and what becomes of the findings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from byoi_tools.checks.waivers import apply_waivers, load_waivers
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode
from byoi_tools.model.finding import ImageSummary, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.waiver import Waiver

IDS = frozenset(("esp.fallback", "esp.present", "size.bloat"))
TODAY = date(2026, 6, 15)
DIGEST = "ab" * 32


def load(directory: Path, text: str) -> tuple[Waiver, ...]:
    path = directory / "byoi.toml"
    path.write_text(text)
    return load_waivers(path, IDS)


def waiver(check_id: str = "esp.fallback", expires: date | None = None, sha256: str | None = None) -> Waiver:
    return Waiver(check_id, "we know", expires, sha256, "byoi.toml")


def outcome(check_id: str, kind: OutcomeKind, severity: Severity = Severity.ERROR) -> Outcome:
    return Outcome(check_id, kind, severity, "it is wrong", "this", "that", "there", "repair it")


def report(*outcomes: Outcome) -> Report:
    image = ImageSummary("image.raw", ImageFormat.RAW, 1, 1)
    return Report(image, BootMode.UEFI, "test", None, outcomes, Severity.WARNING)


def test_a_file_of_waivers(tmp_path: Path) -> None:
    text = f"""
        [[waiver]]
        id = "esp.fallback"
        reason = "our firmware\\nis told the path"
        expires = 2026-12-31
        sha256 = "{DIGEST.upper()}"

        [[waiver]]
        id = "size.bloat"
        reason = "fast line"
    """
    source = str(tmp_path / "byoi.toml")
    assert load(tmp_path, text) == (
        Waiver("esp.fallback", "our firmware is told the path", date(2026, 12, 31), DIGEST, source),
        Waiver("size.bloat", "fast line", None, None, source),
    )
    assert load(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[waiver]]\nid = "esp.fallback"\n', "the waiver of esp.fallback has no `reason`"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = " "\n', "has no `reason`"),
        ('[[waiver]]\nid = "esp.falback"\nreason = "x"\n', "there is no check 'esp.falback'"),
        ('[[waiver]]\nid = "esp.*"\nreason = "x"\n', "there is no check 'esp.*'"),
        ('[[waiver]]\nreason = "x"\n', "a waiver has no `id`"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = 7\n', "`reason` of a waiver is a text"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = "x"\nuntil = 2026-01-01\n', "unknown keys of a waiver: until"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = "x"\nexpires = "soon"\n', "`expires` of esp.fallback is a date"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = "x"\nexpires = 2026-01-01T00:00:00\n', "is a date without quotes"),
        ('[[waiver]]\nid = "esp.fallback"\nreason = "x"\nsha256 = "abc"\n', "`sha256` of esp.fallback is 64"),
        ('[waiver]\nid = "esp.fallback"\n', "a waiver begins with [[waiver]]"),
        ("waiver = [1]\n", "a waiver begins with [[waiver]]"),
        ("[[waivers]]\n", "unknown keys: waivers"),
        ("[[waiver]\n", "Expected"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(tmp_path, text)
    assert said in (raised.value.details or "")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(UsageError):
            load_waivers(path, IDS)


def test_a_waived_finding_stays_in_sight_and_does_not_count() -> None:
    found = outcome("esp.fallback", OutcomeKind.FAILED)
    judged = apply_waivers(report(found), [waiver()], TODAY, None)
    (waived,) = judged.outcomes
    assert (waived.kind, waived.waiver, waived.severity) == (OutcomeKind.WAIVED, waiver(), Severity.ERROR)
    assert (waived.message, waived.observed, waived.remedy) == (found.message, found.observed, found.remedy)
    assert judged.has_passed
    assert not report(found).has_passed


def test_every_finding_of_the_check_is_waived_and_no_other() -> None:
    found = (outcome("esp.fallback", OutcomeKind.FAILED),) * 2 + (outcome("esp.present", OutcomeKind.FAILED),)
    kinds = [o.kind for o in apply_waivers(report(*found), [waiver()], TODAY, None).outcomes]
    assert kinds == [OutcomeKind.WAIVED, OutcomeKind.WAIVED, OutcomeKind.FAILED]


def test_a_check_that_broke_cannot_be_waived() -> None:
    judged = apply_waivers(report(outcome("esp.fallback", OutcomeKind.ERRORED)), [waiver()], TODAY, None)
    assert [o.kind for o in judged.outcomes] == [OutcomeKind.ERRORED]
    assert not judged.has_passed


@pytest.mark.parametrize(("last_day", "holds"), [(date(2026, 6, 15), True), (date(2026, 6, 14), False)])
def test_a_waiver_holds_on_its_last_day(last_day: date, holds: bool) -> None:
    judged = apply_waivers(report(outcome("esp.fallback", OutcomeKind.FAILED)), [waiver(expires=last_day)], TODAY, None)
    first, *more = judged.outcomes
    assert first.kind is (OutcomeKind.WAIVED if holds else OutcomeKind.FAILED)
    assert [(o.check_id, o.kind, o.severity) for o in more] == (
        [] if holds else [("waiver.expired", OutcomeKind.FAILED, Severity.WARNING)]
    )


def test_a_waiver_for_what_passes_is_a_warning_and_for_what_nobody_looked_at_is_none() -> None:
    outcomes = (outcome("esp.fallback", OutcomeKind.PASSED), outcome("size.bloat", OutcomeKind.SKIPPED))
    judged = apply_waivers(report(*outcomes), [waiver(), waiver("size.bloat")], TODAY, None)
    (unused,) = judged.outcomes[2:]
    assert (unused.check_id, unused.kind, unused.severity) == ("waiver.unused", OutcomeKind.FAILED, Severity.WARNING)
    assert "esp.fallback" in unused.message
    assert not judged.has_passed  # this report fails on warnings


@pytest.mark.parametrize(("digest", "holds"), [(DIGEST, True), ("cd" * 32, False)])
def test_a_waiver_with_a_digest_is_about_that_image_alone(digest: str, holds: bool) -> None:
    outcomes = (outcome("esp.fallback", OutcomeKind.FAILED), outcome("size.bloat", OutcomeKind.PASSED))
    waivers = [waiver(sha256=DIGEST), waiver("size.bloat", sha256="ef" * 32)]
    judged = apply_waivers(report(*outcomes), waivers, TODAY, digest)
    expected = OutcomeKind.WAIVED if holds else OutcomeKind.FAILED
    assert [o.kind for o in judged.outcomes] == [expected, OutcomeKind.PASSED]
