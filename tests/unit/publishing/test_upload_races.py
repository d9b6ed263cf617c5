from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.publishing.completion import Completed
from byoi_tools.publishing.part_plan import PartPlan
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Do, Fault, Kind
from fixtures.store_proxy import StoreProxy
from tests.uploads import (
    KEY,
    METADATA,
    PART,
    Notes,
    is_object_alone,
    read_object,
    upload,
)


@pytest.mark.parametrize("code", ["NotImplemented", "InvalidArgument"])
def test_store_that_knows_no_conditions(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path, code: str
) -> None:
    proxy.faults.append(Fault(Kind.COMPLETE, Answer(501 if code == "NotImplemented" else 400, code)))

    with upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)
        running.complete()

    assert proxy.requests[Kind.COMPLETE] == 2
    assert read_object(object_store, bucket) == four_parts.read_bytes()


def test_race_that_was_lost_to_the_same_content(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    theirs = {"byoi-content": "12ab", "byoi-run": "theirs"}
    with upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)
        put = object_store.client.put_object(Bucket=bucket, Key=KEY, Body=four_parts.read_bytes(), Metadata=theirs)
        completed = running.complete()

    assert completed == Completed(put["ETag"].strip('"'), theirs)
    assert is_object_alone(object_store, bucket)


@pytest.mark.parametrize("metadata", [{}, {"byoi-content": "34cd"}, {"byoi-content": "12ab", "byoi-run": "short"}])
def test_race_that_was_lost_to_other_content(
    object_store: ObjectStore, bucket: str, four_parts: Path, metadata: dict[str, str]
) -> None:
    body = four_parts.read_bytes()[: -1 if "byoi-run" in metadata else None]
    notes = Notes()

    with pytest.raises(StorageError), upload(four_parts, bucket, notes) as running:
        running.finish(four_parts.stat().st_size)
        object_store.client.put_object(Bucket=bucket, Key=KEY, Body=body, Metadata=metadata)
        running.complete()

    assert read_object(object_store, bucket) == body
    assert "kept for the next run" in notes.notes[0]


def test_object_that_is_replaced(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    object_store.client.put_object(Bucket=bucket, Key=KEY, Body=b"damaged")

    with upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)
        running.complete(replaces=True)

    assert read_object(object_store, bucket) == four_parts.read_bytes()


@pytest.mark.parametrize("is_same", [True, False])
def test_upload_that_somebody_else_ended(
    object_store: ObjectStore, bucket: str, four_parts: Path, proxy: StoreProxy, is_same: bool
) -> None:
    """Another run continues the same upload and completes it, or somebody aborts it."""

    def end() -> None:
        object_store.client.abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=running.upload_id)
        if is_same:
            object_store.client.put_object(Bucket=bucket, Key=KEY, Body=four_parts.read_bytes(), Metadata=METADATA)

    with upload(four_parts, bucket, plan=PartPlan(PART, 1)) as running:
        proxy.faults.append(Fault(Kind.PART, Do(end), part=3))
        if is_same:
            running.finish(four_parts.stat().st_size)
            assert running.complete().metadata == METADATA
        else:
            with pytest.raises(StorageError) as caught:
                running.finish(four_parts.stat().st_size)
            assert "ended by somebody else" in caught.value.message
