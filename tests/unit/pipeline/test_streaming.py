"""A conversion that is sent while it is made, into a real store: what is there afterwards, also when it goes wrong."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from byoi_tools.conversion.convert import convert_image
from byoi_tools.errors import DeploymentRefused, ImageMalformed, IntegrityError, NoSpace, StorageError
from byoi_tools.inspection.container import inspect_container
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.image import Compression, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestSource
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage
from byoi_tools.pipeline.streaming import Streaming, publish_converted
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock
from tests.object_listing import list_keys
from tests.own_objects import is_squeezed, squeeze_manifest

MIB = 2**20
DAY = timedelta(hours=24)


class Interfering(Observer):
    """Does something when a work begins, and keeps what is noted."""

    def __init__(self, work: str = "", interfere: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self._interfere = interfere
        self.works: list[str] = []
        self.notes: list[str] = []

    def work_started(self, work: str, total_bytes: int | None) -> None:
        self.works.append(work)
        if work == self._work:
            self._interfere()

    def noted(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A disk that is sent in three parts: two of noise in a lot of nothing, and words that shrink."""
    path = tmp_path / "image" / "my disk.raw"
    path.parent.mkdir()
    noise = random.Random(7).randbytes(20 * MIB)  # noqa: S311 - incompressible bytes, not a secret
    with path.open("wb") as file:
        for offset, content in ((0, noise), (100 * MIB, b"words " * MIB), (200 * MIB, noise[::-1])):
            file.seek(offset)
            file.write(content)
    return path


def publish(image: Path, bucket: str, observer: Observer | None = None, **options: object) -> PublishedImage:
    directory = image.parent.parent / f"work-{len(list(image.parent.parent.iterdir()))}"
    directory.mkdir()
    container = inspect_container(image)
    origin = ManifestSource(image.name, container.format, container.virtual_size_bytes.known())
    job = Streaming(SourceFile.observe(image), container, image.name, origin, Compression.ZLIB, directory)
    handover = Handover(ObjectStorage(), DAY, FakeClock(), observer or Observer())
    return publish_converted(replace(job, **options), ObjectPrefix(bucket, "debian"), handover)  # type: ignore[arg-type]


def open_uploads(store: ObjectStore, bucket: str) -> list[list[int]]:
    uploads = store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    listings = [store.client.list_parts(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"]) for each in uploads]
    return [[part["PartNumber"] for part in listing.get("Parts", [])] for listing in listings]


def body_of(published: PublishedImage) -> bytes:
    with urllib.request.urlopen(published.url.reveal()) as answer:  # noqa: S310 - the store's own URL
        content: bytes = answer.read()
        return content


@pytest.mark.parametrize("compression", list(Compression))
def test_the_object_is_what_convert_writes(
    object_store: ObjectStore, bucket: str, image: Path, tmp_path: Path, compression: Compression
) -> None:
    published = publish(image, bucket, compression=compression)

    convert_image(image, tmp_path / "same.qcow2", ImageType.QCOW2, compression, Observer())
    content = body_of(published)
    assert content == (tmp_path / "same.qcow2").read_bytes()
    digests = {digest.algorithm: digest.hexadecimal for digest in published.digests}
    assert digests[DigestAlgorithm.SHA256] == hashlib.sha256(content).hexdigest()
    assert digests[DigestAlgorithm.SHA512] == hashlib.sha512(content).hexdigest()
    assert (published.size_bytes, published.was_reused) == (len(content), False)
    assert isinstance(published.address, ObjectAddress)
    key = published.address.key
    assert key.startswith("debian/my-disk-")
    assert sorted(list_keys(object_store, bucket)) == [key, f"{key}.json", f"{key}.sha256", f"{key}.sha512"]
    assert open_uploads(object_store, bucket) == []


def test_the_same_content_is_sent_once(object_store: ObjectStore, bucket: str, image: Path, tmp_path: Path) -> None:
    """Also when it lies in another format, with other holes, under another name of the directory."""
    first = publish(image, bucket)
    assert isinstance(first.address, ObjectAddress)
    squeeze_manifest(object_store, bucket, first.address.key)
    other = tmp_path / "elsewhere" / "my disk.qcow2"
    other.parent.mkdir()
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-S", "0", image, other], check=True)
    watching = Interfering()
    second = publish(other, bucket, watching)

    assert second.address == first.address
    assert second.digests == first.digests
    assert (second.size_bytes, second.was_reused) == (first.size_bytes, True)
    assert watching.works == ["reading"]
    assert len(list_keys(object_store, bucket)) == 4
    assert not is_squeezed(object_store, bucket, first.address.key)  # it is young again, for `objects gc`


def test_other_options_make_another_object(object_store: ObjectStore, bucket: str, image: Path) -> None:
    zlib, zstd = (publish(image, bucket, compression=each) for each in (Compression.ZLIB, Compression.ZSTD))
    assert zlib.address != zstd.address
    assert not zstd.was_reused


def test_an_object_without_its_manifest_is_described(object_store: ObjectStore, bucket: str, image: Path) -> None:
    """Its run was killed between the object and what is written beside it; converting again tells its digests."""
    first = publish(image, bucket)
    assert isinstance(first.address, ObjectAddress)
    object_store.client.delete_object(Bucket=bucket, Key=first.address.key + ".json")
    watching = Interfering()
    second = publish(image, bucket, watching)
    assert "uploading" not in watching.works
    assert (second.digests, second.was_reused) == (first.digests, True)
    assert any("without its manifest" in note for note in watching.notes)
    watching = Interfering()
    assert publish(image, bucket, watching).was_reused
    assert watching.works == ["reading"]


def test_an_object_that_is_none_of_ours_is_replaced(object_store: ObjectStore, bucket: str, image: Path) -> None:
    """It has our name and the mark of the content, and something else in it."""
    first = publish(image, bucket)
    assert isinstance(first.address, ObjectAddress)
    key = first.address.key
    metadata = object_store.client.head_object(Bucket=bucket, Key=key)["Metadata"]
    object_store.client.put_object(Bucket=bucket, Key=key, Body=b"wrong", Metadata=metadata)
    second = publish(image, bucket)
    assert not second.was_reused
    assert hashlib.sha256(body_of(second)).hexdigest() == first.digests[0].hexadecimal


@pytest.mark.parametrize("work", ["reading", "converting", "comparing"])
def test_an_image_that_changes_meanwhile_leaves_nothing(
    object_store: ObjectStore, bucket: str, image: Path, work: str
) -> None:
    def change() -> None:
        with image.open("r+b") as file:
            file.seek(210 * MIB)
            file.write(b"changed")
        os.utime(image, ns=(1, 1))

    with pytest.raises(StorageError, match="was changed"):
        publish(image, bucket, Interfering(work, change))
    assert list_keys(object_store, bucket) == []
    assert open_uploads(object_store, bucket) == []


def test_a_change_that_leaves_no_trace_is_caught_by_the_comparison(
    object_store: ObjectStore, bucket: str, image: Path
) -> None:
    """The time of modification is set back, as some programs do."""
    before = image.stat()

    def change() -> None:
        with image.open("r+b") as file:
            file.seek(210 * MIB)
            file.write(b"changed")
        os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(IntegrityError, match="content") as failed:
        publish(image, bucket, Interfering("converting", change))
    assert f"bytes {208 * MIB} to {212 * MIB - 1} " in str(failed.value.details)
    assert list_keys(object_store, bucket) == []
    assert open_uploads(object_store, bucket) == []


def test_a_size_that_is_not_accepted_leaves_nothing(object_store: ObjectStore, bucket: str, image: Path) -> None:
    sizes: list[int] = []

    def refuse(size_bytes: int) -> None:
        sizes.append(size_bytes)
        raise DeploymentRefused("too large", remedy="none")

    with pytest.raises(DeploymentRefused):
        publish(image, bucket, accept=refuse)
    assert 40 * MIB < sizes[0] < 42 * MIB
    assert list_keys(object_store, bucket) == []
    assert open_uploads(object_store, bucket) == []


def test_an_interruption_keeps_the_parts_for_the_next_run(object_store: ObjectStore, bucket: str, image: Path) -> None:
    def interrupt() -> None:
        for _ in range(1000):
            if open_uploads(object_store, bucket) == [[2, 3]]:
                raise KeyboardInterrupt
        raise AssertionError("parts 2 and 3 do not arrive")

    watching = Interfering("comparing", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(image, bucket, watching)
    assert list_keys(object_store, bucket) == []
    assert open_uploads(object_store, bucket) == [[2, 3]]
    assert any("kept for the next run" in note for note in watching.notes)

    again = Interfering()
    published = publish(image, bucket, again)
    assert any("goes on: it has 2 parts" in note for note in again.notes)
    assert hashlib.sha256(body_of(published)).hexdigest() == published.digests[0].hexadecimal
    assert open_uploads(object_store, bucket) == []


def test_too_little_space_is_found_before_anything_is_read(
    object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    """A disk that has more clusters, in a file of holes, than there is room for here."""
    vast = tmp_path / "image" / "vast.qcow2"
    vast.parent.mkdir()
    size = str(2 * shutil.disk_usage(tmp_path).free // MIB) + "M"
    options = "preallocation=metadata,cluster_size=2M"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, vast, size], check=True)
    watching = Interfering()
    with pytest.raises(NoSpace, match="not enough free space"):
        publish(vast, bucket, watching)
    assert watching.works == []
    assert open_uploads(object_store, bucket) == []


def test_a_damaged_source_is_refused(object_store: ObjectStore, bucket: str, image: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "image" / "damaged.qcow2"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", image, damaged], check=True)
    os.truncate(damaged, damaged.stat().st_size // 2)
    with pytest.raises(ImageMalformed, match="truncated"):
        publish(damaged, bucket)
    assert open_uploads(object_store, bucket) == []


def test_no_verify_does_not_read_the_output_back(object_store: ObjectStore, bucket: str, image: Path) -> None:
    watching = Interfering()
    publish(image, bucket, watching, is_verified=False)
    assert "comparing" not in watching.works
    assert "converting" in watching.works
