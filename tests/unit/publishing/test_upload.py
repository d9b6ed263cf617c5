from __future__ import annotations

import os
from pathlib import Path

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import ObjectAddress
from byoi_tools.publishing.part_plan import PartPlan
from byoi_tools.publishing.upload import Upload
from byoi_tools.tools.clock import SystemClock
from byoi_tools.tools.multipart_storage import MultipartStorage
from fixtures.object_store import ObjectStore
from tests.object_listing import is_empty

PART = 5 * 2**20  # S3 API: only the last part may be smaller
PLAN = PartPlan(PART, 4)
METADATA = {"byoi-content": "12ab", "byoi-run": "first"}


class Notes(Observer):
    def __init__(self) -> None:
        self.done: list[int] = []
        self.notes: list[str] = []

    def work_advanced(self, work: str, done_bytes: int) -> None:
        self.done.append(done_bytes)

    def noted(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file of four parts."""
    path = tmp_path / "image.raw"
    path.write_bytes(os.urandom(3 * PART + 4321))
    return path


def upload(path: Path, bucket: str, observer: Observer | None = None, *, resumes: bool = True) -> Upload:
    return Upload(
        MultipartStorage(),
        ObjectAddress(bucket, "a/image.raw"),
        path,
        PLAN,
        METADATA,
        SystemClock(),
        observer or Observer(),
        resumes=resumes,
    )


def read_object(store: ObjectStore, bucket: str) -> bytes:
    return store.client.get_object(Bucket=bucket, Key="a/image.raw")["Body"].read()


def test_file_becomes_an_object(object_store: ObjectStore, bucket: str, image: Path) -> None:
    notes = Notes()

    with upload(image, bucket, notes) as running:
        running.finish(image.stat().st_size)
        assert is_object_absent(object_store, bucket)
        completed = running.complete()

    assert read_object(object_store, bucket) == image.read_bytes()
    head = object_store.client.head_object(Bucket=bucket, Key="a/image.raw")
    assert head["Metadata"] == METADATA == completed.metadata
    assert head["ETag"] == f'"{completed.etag}"'
    assert head["ETag"].endswith('-4"')
    assert notes.done[-1] == image.stat().st_size
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
    object_store: ObjectStore, bucket: str, image: Path, tmp_path: Path
) -> None:
    content = image.read_bytes()
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


def test_abandoned_upload_leaves_nothing(object_store: ObjectStore, bucket: str, image: Path) -> None:
    notes = Notes()

    with upload(image, bucket, notes) as running:
        running.finish(image.stat().st_size)
        running.abandon()

    assert is_empty(object_store, bucket)
    assert notes.notes == []


def test_file_that_becomes_shorter(object_store: ObjectStore, bucket: str, image: Path) -> None:
    with pytest.raises(StorageError) as caught, upload(image, bucket) as running:
        running.finish(image.stat().st_size + PART)

    assert "shorter" in caught.value.message
    assert is_object_absent(object_store, bucket)


def is_object_absent(store: ObjectStore, bucket: str) -> bool:
    return "Contents" not in store.client.list_objects_v2(Bucket=bucket)
