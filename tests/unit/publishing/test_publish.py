from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from byoi_tools import __version__
from byoi_tools.errors import ByoiError, IntegrityError, StorageError, UsageError
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestSource
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.part_plan import plan_parts
from byoi_tools.publishing.placing import Placement
from byoi_tools.publishing.publish import publish_image
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock
from tests.object_listing import is_empty, list_keys, part_sizes

PART = 16 * 2**20  # of files of that size
DAY = timedelta(hours=24)


class Interfering(Observer):
    """Does something to the world, once, when some work has advanced."""

    def __init__(self, interfere: Callable[[], object], work: str = "uploading") -> None:
        self._interfere: Callable[[], object] | None = interfere
        self._work = work

    def work_advanced(self, work: str, done_bytes: int) -> None:
        if work == self._work and done_bytes and self._interfere:
            interfere, self._interfere = self._interfere, None
            interfere()
            time.sleep(0.2)  # let the world notice before the upload is over


class Notes(Observer):
    def __init__(self) -> None:
        self.works: list[tuple[str, int | None]] = []
        self.done: dict[str, int] = {}
        self.finished: list[str] = []
        self.notes: list[str] = []

    def work_started(self, work: str, total_bytes: int | None) -> None:
        self.works.append((work, total_bytes))

    def work_advanced(self, work: str, done_bytes: int) -> None:
        self.done[work] = max(done_bytes, self.done.get(work, 0))

    def work_finished(self, work: str) -> None:
        self.finished.append(work)

    def noted(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file of a single part, and larger than what is compared of it."""
    path = tmp_path / "my image.qcow2"
    path.write_bytes(os.urandom(20_000))
    return path


@pytest.fixture
def large_image(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large.qcow2"
    path.write_bytes(os.urandom(2 * PART + 4321))
    return path


def publish(
    image: Path,
    bucket: str,
    *,
    prefix: str = "debian/12",
    observer: Observer | None = None,
    expires: timedelta = DAY,
    resumes: bool = True,
) -> PublishedImage:
    placement = Placement(image, ImageType.QCOW2, image.name, ManifestSource(image.name, ImageFormat.QCOW2))
    handover = Handover(ObjectStorage(), expires, FakeClock(), observer or Observer())
    return publish_image(placement, ObjectPrefix(bucket, prefix), handover, resumes=resumes)


def key_of(published: PublishedImage) -> str:
    assert isinstance(published.address, ObjectAddress)
    return published.address.key


def read(store: ObjectStore, bucket: str, key: str) -> bytes:
    return store.client.get_object(Bucket=bucket, Key=key)["Body"].read()


def fetch(url: str) -> IO[bytes]:
    answer: IO[bytes] = urllib.request.urlopen(url)  # noqa: S310 - the store's own URL
    return answer


def test_object_holds_the_image_and_its_description(object_store: ObjectStore, bucket: str, image: Path) -> None:
    published = publish(image, bucket)

    sha256, sha512 = published.digests
    assert key_of(published) == f"debian/12/my-image-{sha256.hexadecimal[:16]}.qcow2"
    assert sha512.hexadecimal == hashlib.sha512(image.read_bytes()).hexdigest()
    stored = object_store.client.get_object(Bucket=bucket, Key=key_of(published))
    assert stored["Body"].read() == image.read_bytes()
    metadata = stored["Metadata"]
    assert re.fullmatch("[0-9a-f]{32}", metadata.pop("byoi-run"))
    assert metadata == {
        "byoi-size-bytes": str(image.stat().st_size),
        "byoi-sha256": sha256.hexadecimal,
        "byoi-tool": f"byoi-tools/{__version__}",
    }
    assert published.size_bytes == image.stat().st_size
    assert published.image_type is ImageType.QCOW2
    assert not published.was_reused


def test_manifest_and_digests_lie_beside_the_object(object_store: ObjectStore, bucket: str, image: Path) -> None:
    key = key_of(publish(image, bucket))

    head = object_store.client.head_object(Bucket=bucket, Key=key)
    manifest = json.loads(read(object_store, bucket, f"{key}.json"))
    assert manifest["run"] == head["Metadata"]["byoi-run"]
    assert manifest["etag"] == head["ETag"].strip('"')
    assert manifest["created"] == "2026-01-02T03:04:05+00:00"
    for algorithm in ("sha256", "sha512"):
        digits = hashlib.new(algorithm, image.read_bytes()).hexdigest()
        assert manifest["digests"][algorithm] == digits
        name = key.rpartition("/")[2]
        assert read(object_store, bucket, f"{key}.{algorithm}") == f"{digits}  {name}\n".encode()
    assert len(list_keys(object_store, bucket)) == 4


def test_manifest_that_is_missing_is_written_again(object_store: ObjectStore, bucket: str, image: Path) -> None:
    first = publish(image, bucket)
    object_store.client.delete_object(Bucket=bucket, Key=f"{key_of(first)}.json")

    second = publish(image, bucket)

    assert second.was_reused
    assert second.digests == first.digests
    assert json.loads(read(object_store, bucket, f"{key_of(first)}.json"))["size_bytes"] == 20_000


def test_url_fetches_the_image_until_it_expires(bucket: str, large_image: Path) -> None:
    published = publish(large_image, bucket, expires=timedelta(minutes=90))

    with fetch(published.url.reveal()) as answer:
        assert answer.read() == large_image.read_bytes()
    assert "X-Amz-Expires=5400&" in published.url.reveal()
    assert published.expires_at == datetime(2026, 1, 2, 4, 34, 5, tzinfo=UTC)
    assert "X-Amz" not in repr(published)


def test_object_is_private(bucket: str, image: Path) -> None:
    url = publish(image, bucket).url.reveal()

    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(url.partition("?")[0])
    with caught.value as refusal:
        assert refusal.code == 403


def test_progress_covers_every_byte(bucket: str, large_image: Path) -> None:
    notes = Notes()

    publish(large_image, bucket, observer=notes)

    size = large_image.stat().st_size
    assert notes.works == [("hashing", size), ("uploading", size)]
    assert notes.done == {"hashing": size, "uploading": size}
    assert notes.finished == ["hashing", "uploading"]


def test_object_that_is_there_is_not_uploaded_again(object_store: ObjectStore, bucket: str, large_image: Path) -> None:
    first = publish(large_image, bucket)
    before = object_store.client.head_object(Bucket=bucket, Key=key_of(first))
    notes = Notes()

    second = publish(large_image, bucket, observer=notes)

    after = object_store.client.head_object(Bucket=bucket, Key=key_of(first))
    assert before["Metadata"]["byoi-run"] == after["Metadata"]["byoi-run"]  # of the run that uploaded it
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
    assert second.was_reused
    assert (second.address, second.digests) == (first.address, first.digests)
    assert notes.finished == ["hashing"]
    assert len(notes.notes) == 1


def test_object_of_another_size_is_replaced(object_store: ObjectStore, bucket: str, image: Path) -> None:
    first = publish(image, bucket)
    damaged = image.read_bytes()[:-1]
    metadata = object_store.client.head_object(Bucket=bucket, Key=key_of(first))["Metadata"]
    object_store.client.put_object(Bucket=bucket, Key=key_of(first), Body=damaged, Metadata=metadata)

    second = publish(image, bucket)

    assert not second.was_reused
    stored = object_store.client.get_object(Bucket=bucket, Key=key_of(first))
    assert stored["Body"].read() == image.read_bytes()


@pytest.mark.parametrize("position", [0, -1])
def test_object_with_other_bytes_is_not_handed_on(
    object_store: ObjectStore, bucket: str, image: Path, position: int
) -> None:
    published = publish(image, bucket)
    metadata = object_store.client.head_object(Bucket=bucket, Key=key_of(published))["Metadata"]
    damaged = bytearray(image.read_bytes())
    damaged[position] ^= 1
    object_store.client.put_object(Bucket=bucket, Key=key_of(published), Body=bytes(damaged), Metadata=metadata)

    with pytest.raises(IntegrityError) as caught:
        publish(image, bucket)

    assert str(published.address) in caught.value.remedy


def test_other_content_is_another_object(object_store: ObjectStore, bucket: str, image: Path) -> None:
    first = publish(image, bucket, prefix="")
    image.write_bytes(b"other")
    second = publish(image, bucket, prefix="")

    assert {key_of(first), key_of(second)} < set(list_keys(object_store, bucket))
    assert key_of(first) != key_of(second)
    assert "/" not in key_of(second)


@pytest.mark.parametrize("name", ["ein Bild.raw", "größe.img", "a+b&c=d?e#f%20.raw", "..", "x\n\x1b[0m'\"`;.raw"])
def test_url_works_whatever_the_file_is_called(bucket: str, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "images"
    directory.mkdir()
    image = directory / (name if name != ".." else "...")
    image.write_bytes(b"tiny")

    with fetch(publish(image, bucket).url.reveal()) as answer:
        assert answer.read() == b"tiny"


def test_interrupted_upload_keeps_its_parts_and_is_continued(
    object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    more_parts_than_go_at_a_time = plan_parts(PART).parallel + 1  # so one is stored before the last is begun
    image = tmp_path / "large.qcow2"
    image.write_bytes(os.urandom(PART) * more_parts_than_go_at_a_time + b"end")

    class InterruptedAfterAPart(Notes):
        is_interrupted = False

        def work_advanced(self, work: str, done_bytes: int) -> None:
            if work == "uploading" and not self.is_interrupted and part_sizes(object_store, bucket):
                self.is_interrupted = True
                os.kill(os.getpid(), signal.SIGINT)

    interrupted = InterruptedAfterAPart()
    with pytest.raises(KeyboardInterrupt):
        publish(image, bucket, observer=interrupted)

    assert list_keys(object_store, bucket) == []
    assert part_sizes(object_store, bucket)
    assert "objects gc" in interrupted.notes[0]

    notes = Notes()
    published = publish(image, bucket, observer=notes)

    assert "goes on" in notes.notes[0]
    assert read(object_store, bucket, key_of(published)) == image.read_bytes()
    assert part_sizes(object_store, bucket) == []


def test_source_truncated_while_uploading_leaves_nothing(
    object_store: ObjectStore, bucket: str, large_image: Path
) -> None:
    started = time.monotonic()

    with pytest.raises(StorageError) as caught:
        publish(large_image, bucket, observer=Interfering(lambda: os.truncate(large_image, PART + 7)))

    assert "size" in str(caught.value.details)
    assert time.monotonic() - started < 60
    assert is_empty(object_store, bucket)


def test_source_written_while_uploading_leaves_nothing(
    object_store: ObjectStore, bucket: str, large_image: Path
) -> None:
    def write_a_byte() -> None:
        with large_image.open("r+b") as file:
            file.write(b"x")

    with pytest.raises(StorageError) as caught:
        publish(large_image, bucket, observer=Interfering(write_a_byte))

    assert "time of modification" in str(caught.value.details)
    assert is_empty(object_store, bucket)


def test_source_replaced_after_hashing_leaves_nothing(object_store: ObjectStore, bucket: str, image: Path) -> None:
    other = image.with_name("other")
    other.write_bytes(os.urandom(image.stat().st_size))

    with pytest.raises(StorageError) as caught:
        publish(image, bucket, observer=Interfering(lambda: other.replace(image), "hashing"))

    assert "file behind the name" in str(caught.value.details)
    assert is_empty(object_store, bucket)


def test_source_changed_before_a_reuse_is_refused_and_the_object_stays(
    object_store: ObjectStore, bucket: str, image: Path
) -> None:
    first = publish(image, bucket)

    with pytest.raises(StorageError):
        publish(image, bucket, observer=Interfering(lambda: os.utime(image), "hashing"))

    assert key_of(first) in list_keys(object_store, bucket)


@pytest.mark.parametrize("expires", [timedelta(seconds=59), timedelta(days=7, seconds=1)])
def test_impossible_expiry_uploads_nothing(
    object_store: ObjectStore, bucket: str, image: Path, expires: timedelta
) -> None:
    with pytest.raises(UsageError):
        publish(image, bucket, expires=expires)

    assert is_empty(object_store, bucket)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "5" * 32, "secret key"),
        ("AWS_ACCESS_KEY_ID", "a" * 32, "access key"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1", "does not answer"),
    ],
)
def test_wrong_configuration_fails_at_once_and_tells_no_secret(
    object_store: ObjectStore,
    bucket: str,
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)
    started = time.monotonic()

    with pytest.raises(StorageError) as caught:
        publish(image, bucket)

    assert time.monotonic() - started < 60
    assert said in caught.value.message
    shown = show(caught.value)
    assert not [
        secret for secret in (os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_ACCESS_KEY_ID"]) if secret in shown
    ]
    assert "Signature=" not in shown
    assert is_empty(object_store, bucket)


def show(error: ByoiError) -> str:
    return "\n".join([*traceback.format_exception(error), repr(error), error.message, str(error.details), error.remedy])
