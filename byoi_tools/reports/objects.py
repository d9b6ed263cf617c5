"""What this tool has in a store, and what was removed of it: for people, and for programs, one entry at a time.

Every key that is shown has the form of ours, so that nothing in it could act on a terminal.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from byoi_tools.model.publishing.own_object import (
    Fate,
    ForeignObject,
    OwnEntry,
    OwnLeftover,
    OwnObject,
    OwnUpload,
    Removal,
)
from byoi_tools.model.publishing.published import FileAddress
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.publishing_schemas import OBJECTS, REMOVAL

_HEAD = f"{'AGE':>5}  {'SIZE':>10}  {'SHA-256':<12}  {'RUN':<8}  {'BESIDE':<18}  NAME\n"
_DIGITS, _RUN_DIGITS = 12, 8


def render_objects(entries: Iterable[OwnEntry | ForeignObject], prefix: str, now: datetime) -> Iterator[str]:
    """Yield the lines of a table as the entries come; names are those under the prefix. Nothing for no entries."""
    head = _HEAD
    for entry in entries:
        if not isinstance(entry, ForeignObject):
            yield head + _row(entry, prefix, now)
            head = ""


def render_objects_json(entries: Iterable[OwnEntry | ForeignObject], destination: str, now: datetime) -> Iterator[str]:
    """Yield one JSON document in pieces, `byoi-tools/objects/v1`."""
    own = (_entry(entry) for entry in entries if not isinstance(entry, ForeignObject))
    return _document({"schema": OBJECTS, "destination": destination, "time": _moment(now)}, own)


def render_removals(removals: Iterable[Removal], prefix: str, now: datetime) -> Iterator[str]:
    """Yield a line for each entry: what became of it, its age and size, its name under the prefix."""
    for removal in removals:
        entry = removal.entry
        if isinstance(entry, ForeignObject):
            yield f"{removal.fate.value}: {_name(entry, prefix)}\n"
        else:
            facts = f"{human_size(entry.size_bytes)}, {human_age(now - entry.last_used)}"
            yield f"{removal.fate.value}: {_name(entry, prefix)} ({facts})\n"


def render_removals_json(removals: Iterable[Removal], destination: str, now: datetime) -> Iterator[str]:
    """Yield one JSON document in pieces, `byoi-tools/removal/v1`."""
    entries = ({"fate": fate_name(removal.fate), **_entry(removal.entry)} for removal in removals)
    return _document({"schema": REMOVAL, "destination": destination, "time": _moment(now)}, entries)


def human_age(age: timedelta) -> str:
    """Return an age as durations are written on the command line: `12d`, `30h`, `5m`; `0m` for the future."""
    minutes = max(age, timedelta(0)) // timedelta(minutes=1)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)}d"
    return f"{minutes // 60}h" if minutes >= 2 * 60 else f"{minutes}m"


def fate_name(fate: Fate) -> str:
    """The word for a fate in JSON."""
    return fate.name.lower()


def _row(entry: OwnEntry, prefix: str, now: datetime) -> str:
    run_id, sha256 = ("-", "-")
    if isinstance(entry, OwnObject):
        run_id = entry.run_id[:_RUN_DIGITS]
        sha256 = entry.sha256.hexadecimal[:_DIGITS] if entry.sha256 else "unknown"
    beside = "-" if isinstance(entry, OwnUpload) else " ".join(each[1:] for each in entry.sidecars) or "-"
    age, size = human_age(now - entry.last_used), human_size(entry.size_bytes)
    return f"{age:>5}  {size:>10}  {sha256:<12}  {run_id:<8}  {beside:<18}  {_name(entry, prefix)}\n"


def _name(entry: OwnEntry | ForeignObject, prefix: str) -> str:
    name = entry.address.key.removeprefix(f"{prefix}/") if prefix else entry.address.key
    match entry:
        case OwnUpload():
            return f"{name} [incomplete {'copy' if isinstance(entry.address, FileAddress) else 'upload'}]"
        case OwnLeftover():
            return f"{name} [image is gone]"
    return name


def _entry(entry: OwnEntry | ForeignObject) -> dict[str, object]:
    document: dict[str, object] = {"kind": _KINDS[type(entry)], "object": str(entry.address)}
    if isinstance(entry, ForeignObject):
        return document
    document |= {"size_bytes": entry.size_bytes, "last_used": _moment(entry.last_used)}
    match entry:
        case OwnObject():
            sha256 = entry.sha256.hexadecimal if entry.sha256 else None
            return document | {
                "run": entry.run_id,
                "version": entry.version,
                "sha256": sha256,
                "sidecars": [f"{entry.address}{suffix}" for suffix in entry.sidecars],
            }
        case OwnLeftover():
            return document | {"sidecars": [f"{entry.address}{suffix}" for suffix in entry.sidecars]}
        case OwnUpload():
            return document | {"upload_id": entry.upload_id}


_KINDS = {OwnObject: "image", OwnLeftover: "leftover", OwnUpload: "upload", ForeignObject: "foreign"}


def _document(head: dict[str, object], entries: Iterable[dict[str, object]]) -> Iterator[str]:
    yield json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "entries": ['
    separator = "\n"
    for entry in entries:
        yield separator + textwrap.indent(json.dumps(entry, indent=2), "    ")
        separator = ",\n"
    yield "]\n}\n" if separator == "\n" else "\n  ]\n}\n"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
