from __future__ import annotations

import hashlib
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage
from byoi_tools.publishing.ownership import describe_owner
from byoi_tools.publishing.renewal import renew_publication
from byoi_tools.publishing.sidecars import write_beside
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock
from tests.own_objects import is_squeezed, squeeze_manifest

CONTENT = b"an image"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "images/debian.qcow2"


def renew(bucket: str, expires: timedelta = timedelta(hours=1), key: str = KEY) -> PublishedImage | None:
    digests = (Digest(DigestAlgorithm.SHA256, SHA256),)
    return renew_publication(
        ObjectAddress(bucket, key),
        ImageType.QCOW2,
        len(CONTENT),
        digests,
        expires,
        ObjectStorage(),
        FakeClock(),
        Observer(),
    )


def store(object_store: ObjectStore, bucket: str, content: bytes = CONTENT, sha256: str = SHA256) -> None:
    metadata = {"byoi-size-bytes": str(len(CONTENT)), "byoi-sha256": sha256}
    object_store.client.put_object(Bucket=bucket, Key=KEY, Body=content, Metadata=metadata)


def test_object_that_is_there_gets_a_new_url(object_store: ObjectStore, bucket: str) -> None:
    store(object_store, bucket)

    renewed = renew(bucket)

    assert renewed is not None
    assert renewed.was_reused
    assert renewed.expires_at == datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC)
    with urllib.request.urlopen(renewed.url.reveal()) as answer:  # noqa: S310 - the store's own URL
        assert answer.read() == CONTENT


def test_missing_object_is_not_renewed(bucket: str) -> None:
    assert renew(bucket) is None


def test_object_of_another_size_is_not_renewed(object_store: ObjectStore, bucket: str) -> None:
    store(object_store, bucket, content=CONTENT + b"!")

    assert renew(bucket) is None


def test_object_of_another_digest_is_not_renewed(object_store: ObjectStore, bucket: str) -> None:
    store(object_store, bucket, sha256="0" * 64)

    assert renew(bucket) is None


def test_renewal_needs_a_bucket_and_a_possible_expiry(bucket: str) -> None:
    with pytest.raises(StorageError):
        renew("absent-" + bucket)
    with pytest.raises(UsageError):
        renew(bucket, timedelta(days=8))


@pytest.mark.parametrize(("in_manifest", "is_renewed"), [(SHA256, True), ("0" * 64, False), (None, False)])
def test_what_was_converted_on_its_way_is_known_by_its_manifest(
    object_store: ObjectStore, bucket: str, in_manifest: str | None, is_renewed: bool
) -> None:
    """It was begun before its digests were known, so that its metadata have none."""
    key, run = "images/debian-0123456789abcdef.qcow2", "ab" * 16
    metadata = {"byoi-content": "01" * 32, **describe_owner(run)}
    object_store.client.put_object(Bucket=bucket, Key=key, Body=CONTENT, Metadata=metadata)
    if in_manifest:
        manifest = Manifest(
            object_name="debian-0123456789abcdef.qcow2",
            image_type=ImageType.QCOW2,
            size_bytes=len(CONTENT),
            digests=(Digest(DigestAlgorithm.SHA256, in_manifest),),
            run_id=run,
            created=datetime(2026, 1, 2, tzinfo=UTC),
            source=ManifestSource("debian.raw", ImageFormat.RAW),
            tools={},
        )
        write_beside(ObjectStorage(), ObjectAddress(bucket, key), manifest)
        squeeze_manifest(object_store, bucket, key)
    assert (renew(bucket, key=key) is not None) is is_renewed
    if in_manifest:
        assert is_squeezed(object_store, bucket, key) is not is_renewed  # what is used is young again
