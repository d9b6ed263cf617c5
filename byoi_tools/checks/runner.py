"""Runs checks and turns what they observe into outcomes; a check that breaks fails closed."""

from __future__ import annotations

from collections.abc import Iterable

from byoi_tools.checks.check import Check
from byoi_tools.checks.subject import NO_SERVER, Subject
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.fact import Fact, Known, NotExamined, NotKnownError, UnfinishedError
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import ImageSummary, Observation, Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.intent import Intent
from byoi_tools.model.profile import Profile


def check_image(
    checks: Iterable[Check],
    facts: Facts,
    intent: Intent,
    profile: Profile,
    fail_on: Severity | None,
    meant: Fact[PlannedDeployment] = NO_SERVER,
) -> Report:
    """Run every check on the facts and return the report; never raises for what the image contains."""
    subject = Subject(Known(facts), intent, meant)
    outcomes = run_checks(checks, subject, profile)
    return Report(
        image=_summarise(facts),
        boot=intent.boot,
        profile=profile.name,
        loader_path=_loader_path(subject),
        outcomes=outcomes,
        fail_on=fail_on,
        guest_unknown=facts.guest.reason if isinstance(facts.guest, NotExamined) else "",
    )


def run_checks(checks: Iterable[Check], subject: Subject, profile: Profile) -> tuple[Outcome, ...]:
    """Run checks on a subject, in their order; never raises for what they look at."""
    return tuple(outcome for check in checks for outcome in _run(check, subject, profile))


def _run(check: Check, subject: Subject, profile: Profile) -> tuple[Outcome, ...]:
    severity = profile.severity_of(check.id, check.severity)
    reason = _reason_to_skip(check, subject.intent, profile)
    if reason is not None:
        return (Outcome(check.id, OutcomeKind.SKIPPED, severity, reason),)
    observations: list[Observation] = []
    try:
        for observation in check.examine(subject):
            observations.append(observation)  # what was seen stays when a later fact is missing
    except NotKnownError as unknown:
        if not observations:
            return (Outcome(check.id, OutcomeKind.SKIPPED, severity, unknown.reason),)
    except UnfinishedError as unfinished:
        return (Outcome(check.id, OutcomeKind.ERRORED, severity, unfinished.reason, remedy=unfinished.remedy),)
    except Exception as broken:  # whatever it is, it is a defect of the check, and must not pass
        return (_errored(check, severity, broken),)
    if not observations:
        return (Outcome(check.id, OutcomeKind.PASSED, severity, check.title),)
    return tuple(_failed(check, severity, observation) for observation in observations)


def _reason_to_skip(check: Check, intent: Intent, profile: Profile) -> str | None:
    if check.product is not None and check.product is not intent.product:
        return f"it is for {check.product.template} only"
    if check.boot is not None and check.boot is not intent.boot:
        return f"it is for {check.boot.value} boot only"
    return profile.disabled_reason(check.id)


def _failed(check: Check, severity: Severity, seen: Observation) -> Outcome:
    return Outcome(
        check.id,
        OutcomeKind.FAILED,
        severity if seen.severity is None else min(severity, seen.severity),
        seen.message,
        seen.observed,
        seen.expected,
        seen.evidence,
        seen.remedy or check.remedy,
    )


def _errored(check: Check, severity: Severity, broken: Exception) -> Outcome:
    return Outcome(
        check.id,
        OutcomeKind.ERRORED,
        severity,
        f"the check itself broke: {type(broken).__name__}: {broken}",
        remedy="Please report this with the image's `byoi-tools inspect --format json`; the check fails until then.",
    )


def _summarise(facts: Facts) -> ImageSummary:
    container = facts.container
    try:
        virtual: int | None = container.virtual_size_bytes.known()
    except NotKnownError:
        virtual = None
    return ImageSummary(container.path, container.format, container.size_bytes, virtual)


def _loader_path(subject: Subject) -> str | None:
    try:
        return subject.loader_path
    except NotKnownError:
        return subject.intent.loader_path
