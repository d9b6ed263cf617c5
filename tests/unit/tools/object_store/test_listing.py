from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.tools.object_store.connection import StoreConnection
from byoi_tools.tools.object_store.listing import ObjectListing
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Fault, Kind
from fixtures.store_proxy import StoreProxy

NAMES = ["plain", "a b+c%41", "<&>\"'", "\x1b[2J\n\x01", "ünïcode\u202e", "deep/er/x"]


def test_every_name_comes_as_it_is(object_store: ObjectStore, bucket: str) -> None:
    for number, name in enumerate(NAMES):
        object_store.client.put_object(Bucket=bucket, Key=f"p/{name}", Body=b"x" * number)
    object_store.client.put_object(Bucket=bucket, Key="q", Body=b"")

    found = list(ObjectListing().objects(bucket, "p/"))

    assert {(each.address.bucket, each.address.key, each.size_bytes) for each in found} == {
        (bucket, f"p/{name}", number) for number, name in enumerate(NAMES)
    }
    assert all(abs(each.modified - datetime.now(UTC)) < timedelta(minutes=1) for each in found)


@pytest.fixture(scope="module")
def long_bucket(object_store: ObjectStore) -> str:
    """A bucket with one object more than a page has."""
    name = f"bucket-{secrets.token_hex(8)}"
    object_store.client.create_bucket(Bucket=name)
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda number: object_store.client.put_object(Bucket=name, Key=f"{number:04}", Body=b""), range(1001)
            )
        )
    return name


@pytest.mark.usefixtures("bucket")
def test_pages_come_as_they_are_needed(object_store: ObjectStore, long_bucket: str) -> None:
    with StoreProxy(object_store.endpoint_url) as proxy:
        listed = ObjectListing(StoreConnection(proxy.url)).objects(long_bucket, "")

        assert len(list(islice(listed, 1000))) == 1000
        assert proxy.requests[Kind.LIST] == 1
        assert [each.address.key for each in listed] == ["1000"]
        assert proxy.requests[Kind.LIST] == 2


@pytest.mark.usefixtures("bucket")
def test_failure_of_a_later_page_is_an_error(object_store: ObjectStore, long_bucket: str) -> None:
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.LIST, Answer(403, "ExpiredToken"), spared=1, times=None))

        with pytest.raises(StorageError, match="temporary credentials have expired"):
            list(ObjectListing(StoreConnection(proxy.url)).objects(long_bucket, ""))


def test_absent_bucket(bucket: str) -> None:
    with pytest.raises(StorageError, match="no such bucket"):
        list(ObjectListing().objects("absent-" + bucket, ""))
