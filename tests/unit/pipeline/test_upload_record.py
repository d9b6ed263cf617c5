"""Uploads in the receipt: remembered from run to run until they ended, and never by what somebody edited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.pipeline.receipt import Receipt
from byoi_tools.pipeline.upload_record import ReceiptUploads
from byoi_tools.tools.object_store.multipart import OpenUpload
from tests.clock import FakeClock

ONE, OTHER = ObjectAddress("images", "a/one.raw"), ObjectAddress("images", "a/other.raw")


@pytest.fixture
def receipt(tmp_path: Path) -> Iterator[Receipt]:
    with Receipt(tmp_path / "receipt.jsonl") as receipt:
        yield receipt


def test_the_newest_is_remembered_until_it_ends(receipt: Receipt) -> None:
    uploads = ReceiptUploads(receipt, FakeClock())
    assert uploads.last_begun(ONE) is None
    uploads.begun(ONE, "first")
    uploads.begun(ONE, "second")
    uploads.begun(OTHER, "another object's")
    again = ReceiptUploads(receipt, FakeClock())
    assert again.last_begun(ONE) == OpenUpload(ONE, "second", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    again.ended(ONE, is_object=True)
    assert again.last_begun(ONE) is None
    again.ended(OTHER, is_object=False)
    assert again.last_begun(OTHER) is None


@pytest.mark.parametrize(
    "change",
    [
        {"upload_id": 5},
        {"upload_id": ""},
        {"time": "yesterday"},
        {"time": "2026-01-02T03:04:05"},
        {"key": "?"},
    ],
)
def test_what_somebody_edited_is_not_there(receipt: Receipt, change: dict[str, object]) -> None:
    uploads = ReceiptUploads(receipt, FakeClock())
    uploads.begun(ONE, "first")
    receipt.path.write_text(json.dumps(json.loads(receipt.path.read_text()) | change) + "\n")
    assert uploads.last_begun(ONE) is None
