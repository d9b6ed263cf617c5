from __future__ import annotations

import os
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

from byoi_tools.errors import ByoiError, IntegrityError, StorageError, UsageError
from byoi_tools.formats.source import Memory
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import ObjectAddress, PublishedImage
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.digests import digest_file
from byoi_tools.publishing.publish import publish_image
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.tools.object_storage import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock
from tests.object_listing import is_empty, list_keys

SMALLEST_PART = 5 * 2**20  # S3 API: only the last part may be smaller
DAY = timedelta(hours=24)


class Interfering(Observer):
    """Does something to the world, once, when the upload has begun."""

    def __init__(self, interfere: Callable[[], None]) -> None:
        self._interfere: Callable[[], None] | None = interfere

    def work_advanced(self, work: str, done_bytes: int) -> None:
        if work == "uploading" and self._interfere:
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
    path.write_bytes(os.urandom(2 * SMALLEST_PART + 4321))
    return path


def publish(
    image: Path,
    bucket: str,
    *,
    prefix: str = "debian/12",
    observer: Observer | None = None,
    expires: timedelta = DAY,
    part_bytes: int = SMALLEST_PART,
    before_upload: Callable[[], None] = lambda: None,
) -> PublishedImage:
    source = SourceFile.observe(image)
    algorithms = (DigestAlgorithm.SHA256, DigestAlgorithm.SHA512)
    digests = digest_file(Memory(image.read_bytes()), algorithms, Observer())
    before_upload()
    return publish_image(
        source,
        ImageType.QCOW2,
        image.name,
        ObjectPrefix(bucket, prefix),
        digests,
        expires,
        ObjectStorage(part_bytes=part_bytes),
        FakeClock(),
        observer or Observer(),
    )


def key_of(published: PublishedImage) -> str:
    assert isinstance(published.address, ObjectAddress)
    return published.address.key


def fetch(url: str) -> IO[bytes]:
    answer: IO[bytes] = urllib.request.urlopen(url)  # noqa: S310 - the store's own URL
    return answer


def test_object_holds_the_image_and_its_description(object_store: ObjectStore, bucket: str, image: Path) -> None:
    published = publish(image, bucket)

    sha256, sha512 = published.digests
    assert key_of(published) == f"debian/12/my-image-{sha256.hexadecimal[:16]}.qcow2"
    assert list_keys(object_store, bucket) == [key_of(published)]
    stored = object_store.client.get_object(Bucket=bucket, Key=key_of(published))
    assert stored["Body"].read() == image.read_bytes()
    assert stored["Metadata"] == {
        "byoi-size-bytes": str(image.stat().st_size),
        "byoi-sha256": sha256.hexadecimal,
        "byoi-sha512": sha512.hexadecimal,
    }
    assert published.size_bytes == image.stat().st_size
    assert published.image_type is ImageType.QCOW2
    assert not published.was_reused


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
    assert (notes.works, notes.done, notes.finished) == ([("uploading", size)], {"uploading": size}, ["uploading"])


def test_object_that_is_there_is_not_uploaded_again(object_store: ObjectStore, bucket: str, large_image: Path) -> None:
    first = publish(large_image, bucket)
    before = object_store.client.head_object(Bucket=bucket, Key=key_of(first))
    notes = Notes()

    second = publish(large_image, bucket, observer=notes, part_bytes=2 * SMALLEST_PART)

    after = object_store.client.head_object(Bucket=bucket, Key=key_of(first))
    assert before["ETag"].endswith('-3"')  # the number of parts: another upload would have made 2 of them
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
    assert second.was_reused
    assert second.address == first.address
    assert notes.works == []
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

    assert sorted(list_keys(object_store, bucket)) == sorted([key_of(first), key_of(second)])
    assert "/" not in key_of(second)


@pytest.mark.parametrize("name", ["ein Bild.raw", "größe.img", "a+b&c=d?e#f%20.raw", "..", "x\n\x1b[0m'\"`;.raw"])
def test_url_works_whatever_the_file_is_called(bucket: str, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "images"
    directory.mkdir()
    image = directory / (name if name != ".." else "...")
    image.write_bytes(b"tiny")

    with fetch(publish(image, bucket).url.reveal()) as answer:
        assert answer.read() == b"tiny"


def test_interrupted_upload_leaves_nothing(object_store: ObjectStore, bucket: str, large_image: Path) -> None:
    ctrl_c = Interfering(lambda: os.kill(os.getpid(), signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        publish(large_image, bucket, observer=ctrl_c)

    assert is_empty(object_store, bucket)


def test_source_truncated_while_uploading_leaves_nothing(
    object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    image = tmp_path / "large.raw"
    with image.open("wb") as file:
        file.truncate(40 * SMALLEST_PART)
    started = time.monotonic()

    with pytest.raises(StorageError):
        publish(image, bucket, observer=Interfering(lambda: os.truncate(image, SMALLEST_PART + 7)))

    assert time.monotonic() - started < 10
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


def test_source_replaced_between_digest_and_upload_leaves_nothing(
    object_store: ObjectStore, bucket: str, image: Path
) -> None:
    other = image.with_name("other")
    other.write_bytes(os.urandom(image.stat().st_size))

    def replace_image() -> None:
        other.replace(image)

    with pytest.raises(StorageError) as caught:
        publish(image, bucket, before_upload=replace_image)

    assert "file behind the name" in str(caught.value.details)
    assert is_empty(object_store, bucket)


def test_source_changed_before_a_reuse_is_refused_and_the_object_stays(
    object_store: ObjectStore, bucket: str, image: Path
) -> None:
    first = publish(image, bucket)

    with pytest.raises(StorageError):
        publish(image, bucket, before_upload=lambda: os.utime(image))

    assert list_keys(object_store, bucket) == [key_of(first)]


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

    assert time.monotonic() - started < 5
    assert said in caught.value.message
    shown = show(caught.value)
    assert not [
        secret for secret in (os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_ACCESS_KEY_ID"]) if secret in shown
    ]
    assert "Signature=" not in shown
    assert is_empty(object_store, bucket)


def show(error: ByoiError) -> str:
    return "\n".join([*traceback.format_exception(error), repr(error), error.message, str(error.details), error.remedy])
