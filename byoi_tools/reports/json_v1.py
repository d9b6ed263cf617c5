"""A report for programs: `byoi-tools/report/v1`. Fields are added, never renamed or removed, within a version."""

from __future__ import annotations

from byoi_tools.model.finding import Outcome, Report
from byoi_tools.model.waiver import Waiver
from byoi_tools.reports.plain import write_json

SCHEMA = "byoi-tools/report/v1"


def render_reports(reports: tuple[Report, ...], *, is_list: bool) -> str:
    """Return one report as an object, or all of them as an array, with a newline at the end."""
    documents = [_report(report) for report in reports]
    return write_json(documents if is_list else documents[0])


def _report(report: Report) -> dict[str, object]:
    image = report.image
    return {
        "schema": SCHEMA,
        "image": {
            "path": image.path,
            "format": image.format.value,
            "size_bytes": image.size_bytes,
            "virtual_size_bytes": image.virtual_size_bytes,
        },
        "boot": report.boot.value,
        "profile": report.profile,
        "efi_bootloader_path": report.loader_path,
        "verdict": "passed" if report.has_passed else "failed",
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    waiver = {} if outcome.waiver is None else {"waiver": _waiver(outcome.waiver)}
    return {
        "id": outcome.check_id,
        "outcome": outcome.kind.value,
        "severity": outcome.severity.word,
        "message": outcome.message,
        "observed": outcome.observed,
        "expected": outcome.expected,
        "evidence": outcome.evidence,
        "remedy": outcome.remedy,
        **waiver,
    }


def _waiver(waiver: Waiver) -> dict[str, object]:
    return {"reason": waiver.reason, "expires": waiver.expires.isoformat() if waiver.expires else None}
