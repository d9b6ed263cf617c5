"""Waivers: TOML files of findings that are accepted, and what they make of a report."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from byoi_tools.errors import UsageError
from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.waiver import Waiver

FILE_NAME = "byoi.toml"
EXPIRED_ID = "waiver.expired"
UNUSED_ID = "waiver.unused"
_KEYS = {"id", "reason", "expires", "sha256"}


def load_waivers(path: Path, known_ids: frozenset[str]) -> tuple[Waiver, ...]:
    """Return the waivers of a file; `known_ids` are the ids of all checks.

    Raises `UsageError` for a file that cannot be read or is no TOML, a waiver without a reason, and an id that does not
    exist: a waiver that was misspelled would waive nothing.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, str(error)) from error
    unknown = set(document) - {"waiver"}
    if unknown:
        raise _wrong(path, f"unknown keys: {', '.join(sorted(unknown))}")
    tables = document.get("waiver", [])
    if not isinstance(tables, list):
        raise _wrong(path, "a waiver begins with [[waiver]]")
    return tuple(_waiver(path, table, known_ids) for table in tables)


def apply_waivers(report: Report, waivers: Iterable[Waiver], today: date, sha256: str | None) -> Report:
    """Return the report with the findings of waived checks as waived, and a warning for each waiver without effect.

    A check that broke cannot be waived. A waiver has no effect when it is expired, or when its check ran and found
    nothing; one of a check that was skipped, or about another image, is left alone.
    """
    about = [waiver for waiver in waivers if waiver.is_about(sha256)]
    valid = {waiver.check_id: waiver for waiver in about if not waiver.is_expired(today)}
    outcomes = [_waived(outcome, valid.get(outcome.check_id)) for outcome in report.outcomes]
    for waiver in about:
        if waiver.is_expired(today):
            outcomes.append(_expired(waiver))
        elif any(o.check_id == waiver.check_id and o.kind is OutcomeKind.PASSED for o in report.outcomes):
            outcomes.append(_unused(waiver))
    return replace(report, outcomes=tuple(outcomes))


def _waived(outcome: Outcome, waiver: Waiver | None) -> Outcome:
    if waiver is None or outcome.kind is not OutcomeKind.FAILED:
        return outcome
    return replace(outcome, kind=OutcomeKind.WAIVED, waiver=waiver)


def _expired(waiver: Waiver) -> Outcome:
    return Outcome(
        EXPIRED_ID,
        OutcomeKind.FAILED,
        Severity.WARNING,
        f"the waiver of {waiver.check_id} has expired",
        observed=f"it held until {waiver.expires}: {waiver.reason}",
        expected="a waiver that holds, or none",
        evidence=waiver.source,
        remedy="Correct what the check finds and remove the waiver, or give it a later date.",
    )


def _unused(waiver: Waiver) -> Outcome:
    return Outcome(
        UNUSED_ID,
        OutcomeKind.FAILED,
        Severity.WARNING,
        f"the waiver of {waiver.check_id} waives nothing",
        observed=f"{waiver.check_id} passed; waived because: {waiver.reason}",
        expected="a waiver for something that is found",
        evidence=waiver.source,
        remedy="Remove the waiver: the next finding of this check should be seen.",
    )


def _waiver(path: Path, table: object, known_ids: frozenset[str]) -> Waiver:
    if not isinstance(table, dict):
        raise _wrong(path, "a waiver begins with [[waiver]]")
    unknown = set(table) - _KEYS
    if unknown:
        raise _wrong(path, f"unknown keys of a waiver: {', '.join(sorted(unknown))}")
    check_id, reason = _text(path, table, "id"), _text(path, table, "reason")
    if check_id not in known_ids:
        raise _wrong(path, f"there is no check {check_id!r}" if check_id else "a waiver has no `id`")
    if not reason:
        raise _wrong(path, f"the waiver of {check_id} has no `reason`")
    sha256 = _text(path, table, "sha256").lower()
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise _wrong(path, f"`sha256` of {check_id} is 64 hexadecimal digits")
    return Waiver(check_id, reason, _day(path, table, check_id), sha256 or None, str(path))


def _day(path: Path, table: Mapping[str, object], check_id: str) -> date | None:
    value = table.get("expires")
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    raise _wrong(path, f"`expires` of {check_id} is a date without quotes, as 2027-01-31")


def _text(path: Path, table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _wrong(path, f"`{key}` of a waiver is a text")
    return " ".join(value.split())


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError(
        f"the waivers in {path} cannot be used", details=why, remedy="Correct the file; docs/checking.md shows one."
    )
