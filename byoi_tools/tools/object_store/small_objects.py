"""The door to small objects, which are read and written whole: manifests, and files of digests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from contextlib import closing

from byoi_tools.errors import IntegrityError
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.connection import STEADY, StoreConnection

MAXIMUM_BYTES = 2**20


class SmallObjects:
    """Reads and writes objects of at most 1 MiB in one request each; raises `StorageError`."""

    def __init__(self, connection: StoreConnection | None = None) -> None:
        self._connection = connection or StoreConnection()

    def read(self, address: ObjectAddress) -> bytes | None:
        """Return the content, or None when nothing is there; raises `IntegrityError` when it is larger than 1 MiB."""
        from botocore.exceptions import ClientError

        with self._connection.translated(f"cannot read {address}"):
            try:
                answer = self._connection.client(STEADY).get_object(Bucket=address.bucket, Key=address.key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    return None
                raise
            with closing(answer["Body"]) as body:  # its own context would give what is beneath it
                content = body.read(MAXIMUM_BYTES + 1)
        if len(content) > MAXIMUM_BYTES:
            raise IntegrityError(
                f"{address} is too large to be read whole",
                details=f"it has {answer['ContentLength']} bytes; {MAXIMUM_BYTES} are read at most",
                remedy="Look at what it is; nothing of that size is written there by byoi-tools.",
            )
        return content

    def write(self, address: ObjectAddress, content: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Store the content, private, in the place of what may be there."""
        with self._connection.translated(f"cannot write {address}"):
            self._connection.client(STEADY).put_object(
                Bucket=address.bucket,
                Key=address.key,
                Body=content,
                ContentType=content_type,
                ContentMD5=base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
                Metadata=dict(metadata),
            )
