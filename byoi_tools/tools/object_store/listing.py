"""The door to lists of what is in a bucket; one page of at most 1,000 is in memory, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.connection import STEADY, StoreConnection


@dataclass(frozen=True, slots=True)
class ListedObject:
    """What a list tells of an object; `modified` is aware of its time zone. Keys are whatever somebody gave them."""

    address: ObjectAddress
    size_bytes: int
    modified: datetime


class ObjectListing:
    """Lists of the objects of the store that a connection leads to."""

    def __init__(self, connection: StoreConnection | None = None) -> None:
        self._connection = connection or StoreConnection()

    def objects(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Yield the objects whose keys begin with `prefix`, in the order of the store; raises `StorageError`.

        Most stores go by the bytes of the keys, SeaweedFS by directories; in both what begins alike is together.
        """
        what = f"cannot list s3://{bucket}/{prefix}"
        with self._connection.translated(what):
            paginator = self._connection.client(STEADY).get_paginator("list_objects_v2")
            pages = iter(paginator.paginate(Bucket=bucket, Prefix=prefix))
        while True:
            with self._connection.translated(what):
                page = next(pages, None)
                contents = page.get("Contents", []) if page else []
                found = [
                    ListedObject(ObjectAddress(bucket, each["Key"]), each["Size"], each["LastModified"])
                    for each in contents
                ]
            if page is None:
                return
            yield from found
