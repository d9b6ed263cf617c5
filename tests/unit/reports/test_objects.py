"""How objects are shown: ages as durations are written, documents that stay JSON while they are streamed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import repeat

import jsonschema
import pytest

from byoi_tools.model.publishing.own_object import ForeignObject, OwnEntry, OwnLeftover, OwnUpload
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.destination import parse_duration
from byoi_tools.reports.objects import human_age, render_objects, render_objects_json
from byoi_tools.reports.publishing_schemas import objects_schema
from tests.unit.reports.closed_schema import closed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADDRESS = ObjectAddress("images", "p/x-0123456789abcdef.raw")
NAME = ["x-0123456789abcdef.raw", "[incomplete", "upload]"]
UPLOAD = OwnUpload(ADDRESS, 5 * 2**20, NOW - timedelta(days=9), "<id>")


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(0), "0m"),
        (timedelta(seconds=59), "0m"),
        (timedelta(minutes=119), "119m"),
        (timedelta(hours=2), "2h"),
        (timedelta(hours=47, minutes=59), "47h"),
        (timedelta(days=2), "2d"),
        (timedelta(days=400), "400d"),
        (timedelta(days=-1), "0m"),
    ],
)
def test_ages(age: timedelta, shown: str) -> None:
    assert human_age(age) == shown
    assert parse_duration(shown) <= max(age, timedelta(0))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_documents_are_json(count: int) -> None:
    own: list[OwnEntry] = [UPLOAD, OwnLeftover(ADDRESS, 1, NOW, (".json",)), UPLOAD]
    entries: list[OwnEntry | ForeignObject] = [ForeignObject(ADDRESS), *own[:count]]

    pieces = list(render_objects_json(entries, "s3://images/\x1b\udcff", NOW))

    document = json.loads("".join(pieces))
    jsonschema.Draft202012Validator(closed(objects_schema())).validate(document)
    assert len(document["entries"]) == count
    assert all(piece.isascii() for piece in pieces)


def test_entries_are_shown_as_they_come() -> None:
    rows = render_objects(repeat(UPLOAD), "p", NOW)

    assert next(rows).splitlines()[1].split() == ["9d", "5.0", "MiB", "-", "-", "-", *NAME]
    assert next(rows).split() == ["9d", "5.0", "MiB", "-", "-", "-", *NAME]
