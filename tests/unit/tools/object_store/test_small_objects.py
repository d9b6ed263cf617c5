from __future__ import annotations

import pytest

from byoi_tools.errors import IntegrityError, StorageError
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.connection import StoreConnection
from byoi_tools.tools.object_store.small_objects import SmallObjects
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Corrupt, Fault, Kind, Reset
from fixtures.store_proxy import StoreProxy
from tests.object_listing import is_empty

MIB = 2**20


def test_written_and_read(object_store: ObjectStore, bucket: str) -> None:
    address = ObjectAddress(bucket, "a/b.json")

    SmallObjects().write(address, b"{}\n", "application/json", {"byoi-run": "12"})

    assert SmallObjects().read(address) == b"{}\n"
    stored = object_store.client.get_object(Bucket=bucket, Key="a/b.json")
    assert (stored["ContentType"], stored["Metadata"]) == ("application/json", {"byoi-run": "12"})


def test_nothing_is_no_error(bucket: str) -> None:
    assert SmallObjects().read(ObjectAddress(bucket, "nothing")) is None


@pytest.mark.parametrize("size_bytes", [0, 1, MIB])
def test_sizes(object_store: ObjectStore, bucket: str, size_bytes: int) -> None:
    object_store.client.put_object(Bucket=bucket, Key="x", Body=b"x" * size_bytes)

    assert SmallObjects().read(ObjectAddress(bucket, "x")) == b"x" * size_bytes


def test_large_objects_are_not_read(object_store: ObjectStore, bucket: str) -> None:
    object_store.client.put_object(Bucket=bucket, Key="x", Body=b"x" * (MIB + 1))

    with pytest.raises(IntegrityError) as refused:
        SmallObjects().read(ObjectAddress(bucket, "x"))

    assert "1048577 bytes" in str(refused.value.details)


def test_connection_that_breaks_while_reading(object_store: ObjectStore, bucket: str) -> None:
    object_store.client.put_object(Bucket=bucket, Key="x", Body=b"x" * MIB)
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.GET, Reset(), times=None))

        with pytest.raises(StorageError):
            SmallObjects(StoreConnection(proxy.url)).read(ObjectAddress(bucket, "x"))


def test_damage_on_the_way_is_never_stored(object_store: ObjectStore, bucket: str) -> None:
    """SeaweedFS refuses what its signature or its Content-MD5 contradicts."""
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.PUT, Corrupt(), times=None))

        with pytest.raises(StorageError):
            SmallObjects(StoreConnection(proxy.url)).write(ObjectAddress(bucket, "x"), b"text", "text/plain", {})

    assert is_empty(object_store, bucket)


def test_absent_bucket(bucket: str) -> None:
    address = ObjectAddress("absent-" + bucket, "x")
    with pytest.raises(StorageError, match="no such bucket"):
        SmallObjects().read(address)
    with pytest.raises(StorageError, match="no such bucket"):
        SmallObjects().write(address, b"", "text/plain", {})
