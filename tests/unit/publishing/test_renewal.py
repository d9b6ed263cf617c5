from __future__ import annotations

import hashlib
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import ObjectAddress, PublishedImage
from byoi_tools.publishing.renewal import renew_publication
from byoi_tools.tools.object_storage import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock

CONTENT = b"an image"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "images/debian.qcow2"


def renew(bucket: str, expires: timedelta = timedelta(hours=1)) -> PublishedImage | None:
    digests = (Digest(DigestAlgorithm.SHA256, SHA256),)
    return renew_publication(
        ObjectAddress(bucket, KEY),
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
