"""The receipt survives crashes, keeps secrets out and belongs to one run at a time."""

from __future__ import annotations

import json
import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.pipeline.receipt import DONE, FAILED, STARTED, Receipt, ReceiptDamaged, stage_key

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "receipt.jsonl"
    with Receipt(path) as receipt:
        receipt.record(NOW, "publish", "k1", STARTED)
        assert receipt.last_done("publish", "k1") is None
        receipt.record(NOW, "publish", "k1", DONE, {"size_bytes": 5, "object": "old"})
        receipt.record(NOW, "publish", "k1", DONE, {"size_bytes": 5, "object": "new"})
        receipt.record(NOW, "publish", "k2", FAILED)
    with Receipt(path) as again:
        assert again.last_done("publish", "k1") == {"size_bytes": 5, "object": "new"}
        assert again.last_done("publish", "k2") is None
        assert again.last_done("deploy", "k1") is None


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "receipt.jsonl"
    with Receipt(path):
        pass
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "receipt.jsonl"
    whole = {"time": "t", "stage": "publish", "key": "k", "event": DONE, "size_bytes": 5}
    path.write_text(json.dumps(whole) + "\n" + json.dumps(whole)[:20] + "\n{\n\0\0\n" + json.dumps(whole)[:4])
    with Receipt(path) as receipt:
        assert receipt.last_done("publish", "k") == {"size_bytes": 5}


def test_secrets_are_redacted(tmp_path: Path) -> None:
    path = tmp_path / "receipt.jsonl"
    with Receipt(path) as receipt:
        receipt.record(NOW, "publish", "k", DONE, {"url": "https://host/x?X-Amz-Signature=c0ffee"})
    assert "c0ffee" not in path.read_text()


def test_a_second_run_is_told_to_wait(tmp_path: Path) -> None:
    path = tmp_path / "receipt.jsonl"
    with Receipt(path), pytest.raises(UsageError, match="another run"):
        Receipt(path)


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Receipt(tmp_path / "file" / "receipt.jsonl")


def test_a_key_depends_on_every_input_and_not_on_their_order() -> None:
    assert stage_key(a=1, b="x") == stage_key(b="x", a=1)
    assert len({stage_key(a=1, b="x"), stage_key(a=2, b="x"), stage_key(a=1, b="y"), stage_key(a=1)}) == 4


def test_a_cut_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "receipt.jsonl"
    path.write_text('{"time": "2026-01-02T03:04:05+00:00", "stage": "dep')
    with Receipt(path) as receipt:
        receipt.record(NOW, "deploy", "k1", DONE, {"task": 7})
        assert receipt.last_done("deploy", "k1") == {"task": 7}


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"my notes",
        b'{"time": "t", "stage": "deploy", "key": "k"}',
        b'{"time": "t", "sta\0e": "deploy", "key": "k", "event": "started"}',
    ],
)
def test_what_no_run_has_written_is_not_passed_over(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "receipt.jsonl"
    content = line + b'\n{"time": "t", "stage": "deploy", "key": "k", "event": "done"}\n'
    path.write_bytes(content)
    with pytest.raises(ReceiptDamaged):
        Receipt(path)
    assert path.read_bytes() == content


def test_a_pipe_or_a_device_is_no_receipt(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/full")):
        with pytest.raises(StorageError):
            Receipt(path)


def test_a_line_that_does_not_fit_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """A full disk takes a part of a line and reports no error (write(2)): as does a limit on the file's size."""
    path = tmp_path / "receipt.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Receipt(path) as receipt:
        receipt.record(NOW, "deploy", "k", STARTED)
        before = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
        try:
            with pytest.raises(StorageError):
                receipt.record(NOW, "deploy", "k", DONE, {"task": 7})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.read_bytes() == before
