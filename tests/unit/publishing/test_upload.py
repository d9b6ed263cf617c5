from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.publishing.part_plan import PartPlan
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Corrupt, Fault, Kind, Stall
from fixtures.store_proxy import StoreProxy
from tests.object_listing import is_empty
from tests.uploads import (
    KEY,
    METADATA,
    PART,
    Notes,
    is_object_absent,
    read_object,
    upload,
)


def test_file_becomes_an_object(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    notes = Notes()

    with upload(four_parts, bucket, notes) as running:
        running.finish(four_parts.stat().st_size)
        assert is_object_absent(object_store, bucket)
        completed = running.complete()

    assert read_object(object_store, bucket) == four_parts.read_bytes()
    head = object_store.client.head_object(Bucket=bucket, Key=KEY)
    assert head["Metadata"] == METADATA == completed.metadata
    assert head["ETag"] == f'"{completed.etag}"'
    assert head["ETag"].endswith('-4"')
    assert notes.done[-1] == four_parts.stat().st_size
    assert notes.done == sorted(notes.done)
    assert notes.notes == []


@pytest.mark.parametrize("size_bytes", [1, PART, PART + 1, 2 * PART])
def test_sizes_around_a_part(object_store: ObjectStore, bucket: str, tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "image"
    path.write_bytes(os.urandom(size_bytes))

    with upload(path, bucket) as running:
        running.finish(size_bytes)
        running.complete()

    assert read_object(object_store, bucket) == path.read_bytes()


def test_file_that_grows_and_has_its_first_part_written_last(
    object_store: ObjectStore, bucket: str, four_parts: Path, tmp_path: Path
) -> None:
    content = four_parts.read_bytes()
    growing = tmp_path / "growing"
    growing.write_bytes(bytes(PART))

    with upload(growing, bucket) as running:
        for end in range(PART, len(content), 1_000_000):
            running.make_available(end)
            with growing.open("ab") as file:
                file.write(content[end : end + 1_000_000])
        with growing.open("r+b") as file:
            file.write(content[:PART])
        running.finish(len(content))
        running.complete()

    assert read_object(object_store, bucket) == content


def test_first_part_alone_waits_for_the_end(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    with upload(four_parts, bucket) as running:
        running.make_all_available(four_parts.stat().st_size)
        deadline = time.monotonic() + 60
        while sorted(proxy.part_numbers) != [2, 3, 4] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(proxy.part_numbers) == [2, 3, 4]
        running.finish(four_parts.stat().st_size)
        running.complete()

    assert proxy.part_numbers[-1] == 1
    assert read_object(object_store, bucket) == four_parts.read_bytes()


def test_abandoned_upload_leaves_nothing(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    notes = Notes()

    with upload(four_parts, bucket, notes) as running:
        running.finish(four_parts.stat().st_size)
        running.abandon()

    assert is_empty(object_store, bucket)
    assert notes.notes == []


def test_file_that_becomes_shorter(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    with pytest.raises(StorageError) as caught, upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size + PART)

    assert "shorter" in caught.value.message
    assert is_object_absent(object_store, bucket)


def test_abandoned_upload_that_cannot_be_aborted_is_a_warning(proxy: StoreProxy, bucket: str, four_parts: Path) -> None:
    proxy.faults.append(Fault(Kind.ABORT, Answer(403, "AccessDenied"), times=None))
    notes = Notes()

    with upload(four_parts, bucket, notes) as running:
        running.finish(four_parts.stat().st_size)
        running.abandon()

    assert "left in the store" in notes.notes[0]


def test_store_that_refuses_content_md5(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    fault = Fault(Kind.PART, Answer(501, "NotImplemented"), part=2)
    proxy.faults.append(fault)

    with upload(four_parts, bucket, plan=PartPlan(PART, 1)) as running:
        running.finish(four_parts.stat().st_size)
        running.complete()

    assert proxy.part_numbers == [2, 2, 3, 4, 1]
    assert read_object(object_store, bucket) == four_parts.read_bytes()


def test_part_that_is_damaged_every_time(proxy: StoreProxy, bucket: str, four_parts: Path) -> None:
    fault = Fault(Kind.PART, Corrupt(), part=3, times=None)
    proxy.faults.append(fault)

    with pytest.raises(StorageError) as caught, upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)

    assert "not what was sent" in caught.value.message
    assert fault.hits == 8


def test_interrupted_program_does_not_wait_for_a_store_that_hangs(
    proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    proxy.faults.append(Fault(Kind.PART, Stall(seconds=90), times=None))
    started = time.monotonic()

    with pytest.raises(KeyboardInterrupt), upload(four_parts, bucket):
        while not proxy.part_numbers:
            time.sleep(0.01)
            raise KeyboardInterrupt

    assert time.monotonic() - started < 60


def test_interrupted_before_any_part_was_sent_leaves_nothing(
    object_store: ObjectStore, bucket: str, four_parts: Path
) -> None:
    notes = Notes()

    with pytest.raises(KeyboardInterrupt), upload(four_parts, bucket, notes):
        raise KeyboardInterrupt

    assert is_empty(object_store, bucket)
    assert notes.notes == []
