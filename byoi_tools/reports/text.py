"""A report for people: grouped by family, worst first, what to do about each finding, and the verdict last."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.terminal import Terminal, printable

_LABELS = (("observed", "observed"), ("expected", "expected"), ("evidence", "where"), ("remedy", "fix"))


def render_report(report: Report, terminal: Terminal) -> str:
    """Return the report as lines of text that end in a newline."""
    lines = [*_heading(report, terminal), ""]
    for family, outcomes in _families(report):
        lines.append(terminal.paint(family, "title"))
        for outcome in outcomes:
            lines += _finding(outcome, terminal)
        lines.append("")
    lines += _waived(report, terminal)
    lines += _skipped(report, terminal)
    lines += terminal.wrap(_counts(report), "", "  ")
    lines.append(terminal.paint(_verdict(report), "good" if report.has_passed else "bad"))
    return "\n".join(lines) + "\n"


def _heading(report: Report, terminal: Terminal) -> list[str]:
    image = report.image
    size = f"{image.format.value}, {human_size(image.size_bytes)}"
    if image.virtual_size_bytes is not None:
        size += f", virtual disk {human_size(image.virtual_size_bytes)}"
    lines = terminal.wrap(image.path, "")
    lines += terminal.wrap(f"{size}; boot {report.boot.value}, profile {report.profile}", "  ")
    if report.loader_path:
        lines += terminal.wrap(f"loader path {report.loader_path}", "  ")
    return [terminal.paint(lines[0], "title"), *lines[1:]]


def _families(report: Report) -> list[tuple[str, list[Outcome]]]:
    shown = [outcome for outcome in report.outcomes if outcome.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]
    shown.sort(key=lambda outcome: outcome.family)
    families = [(family, sorted(group, key=_badness)) for family, group in groupby(shown, lambda o: o.family)]
    return sorted(families, key=lambda pair: _badness(pair[1][0]))


def _badness(outcome: Outcome) -> tuple[bool, int, str]:
    return outcome.kind is not OutcomeKind.ERRORED, -outcome.severity, outcome.check_id


def _finding(outcome: Outcome, terminal: Terminal) -> list[str]:
    word = "broken" if outcome.kind is OutcomeKind.ERRORED else outcome.severity.word
    style = "error" if outcome.kind is OutcomeKind.ERRORED else outcome.severity.word
    lines = [f"  {terminal.paint(word, style)} {outcome.check_id}"]
    lines += terminal.wrap(_sentence(outcome.message), "    ")
    for field, label in _LABELS:
        value: str = getattr(outcome, field)
        if value:
            lines += terminal.wrap(value, f"      {label:<9}", " " * 15)
    return lines


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _waived(report: Report, terminal: Terminal) -> list[str]:
    """What was found and is accepted: it does not count, and stays in sight."""
    waived = report.of_kind(OutcomeKind.WAIVED)
    if not waived:
        return []
    lines = [terminal.paint("waived", "title")]
    for outcome in waived:
        lines.append(f"  {terminal.paint(outcome.severity.word, 'faint')} {outcome.check_id}")
        lines += terminal.wrap(_sentence(outcome.message), "    ")
        lines += terminal.wrap(outcome.observed, "      observed ", " " * 15)
        if outcome.waiver is not None:
            until = f" (until {outcome.waiver.expires})" if outcome.waiver.expires else ""
            lines += terminal.wrap(outcome.waiver.reason + until, "      because  ", " " * 15)
    return [*lines, ""]


def _skipped(report: Report, terminal: Terminal) -> list[str]:
    """One paragraph: how many checks did not run, and the reasons with their numbers."""
    reasons = Counter(outcome.message for outcome in report.of_kind(OutcomeKind.SKIPPED))
    if not reasons:
        return []
    listed = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    lines = terminal.wrap(f"{reasons.total()} skipped: {listed}", "", "  ")
    return [terminal.paint(line, "faint") for line in lines]


def _counts(report: Report) -> str:
    failed = report.of_kind(OutcomeKind.FAILED)
    by_severity = Counter(outcome.severity for outcome in failed)
    found = ", ".join(
        f"{by_severity[severity]} {severity.word}{'s' if by_severity[severity] != 1 and severity > 1 else ''}"
        for severity in sorted(Severity, reverse=True)
    )
    waived, broken = len(report.of_kind(OutcomeKind.WAIVED)), len(report.of_kind(OutcomeKind.ERRORED))
    return (
        f"{len(report.of_kind(OutcomeKind.PASSED))} passed, {len(failed)} failed ({found}), "
        + (f"{waived} waived, " if waived else "")
        + f"{len(report.of_kind(OutcomeKind.SKIPPED))} skipped"
        + (f", {broken} broken" if broken else "")
    )


def _verdict(report: Report) -> str:
    """One line, whatever the width: programs and people look for it at the end."""
    name = printable(report.image.path.rpartition("/")[2])
    if not report.has_passed:
        return f"FAILED: {name} under {report.profile}"
    return f"PASSED: {name} under {report.profile}{f', but {report.reservation}' if report.reservation else ''}"
