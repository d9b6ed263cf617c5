"""The door to the objects of a store with the S3 API."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.errors import ImageUnreadable, StorageError
from byoi_tools.model.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.tools.store_connection import QUICK, STEADY, StoreConnection

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig

_PART_BYTES = 16 * 2**20
_MAXIMUM_PARTS = 10_000  # S3 API, "Multipart upload limits"; the same at OVHcloud
_PARALLEL_PARTS = 4


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of an object: size, the metadata it was stored with (names in lower case), unquoted ETag."""

    size_bytes: int
    metadata: Mapping[str, str]
    etag: str


class ObjectStorage:
    """The objects of the store that a connection leads to; without one, to where boto3's own configuration says.

    Whatever boto3 raises becomes a `StorageError` without secrets in its texts. Nothing is read or sent before the
    first call.
    """

    def __init__(self, connection: StoreConnection | None = None, part_bytes: int = _PART_BYTES) -> None:
        self.connection = connection or StoreConnection()
        self._part_bytes = part_bytes

    def check_access(self, bucket: str) -> None:
        """Return when these credentials can list the bucket now; costs one request, and seconds when it fails.

        HEAD would tell less: its answers have no body, so no reason either.
        """
        with self.connection.translated(f"cannot use the bucket {bucket}"):
            self.connection.client(QUICK).list_objects_v2(Bucket=bucket, MaxKeys=1)

    def head(self, address: ObjectAddress) -> StoredObject | None:
        """Return what is stored there, or None when nothing is (a bucket that does not exist looks the same)."""
        from botocore.exceptions import ClientError

        with self.connection.translated(f"cannot look at {address}"):
            try:
                found = self.connection.client(STEADY).head_object(Bucket=address.bucket, Key=address.key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "404":
                    return None
                raise
            return StoredObject(found["ContentLength"], found["Metadata"], found["ETag"].strip('"'))

    def upload(
        self, address: ObjectAddress, path: Path, metadata: Mapping[str, str], on_bytes: Callable[[int], None]
    ) -> None:
        """Store the file, private, in parts; `on_bytes` is told how many bytes are sent in all, by several threads.

        The object appears when all of it is there. On failure and on Ctrl-C the parts are deleted from the store, if
        it can still be reached. Ten parts of 16 MiB are in memory at most. What `on_bytes` raises is lost: boto3 sends
        the part again. Raises `ImageUnreadable` when the file cannot be opened.
        """
        with _SteadyFile(path) as source, self.connection.translated(f"cannot upload {address}"):
            self.connection.client(STEADY).upload_fileobj(
                Fileobj=source,
                Bucket=address.bucket,
                Key=address.key,
                ExtraArgs={"ContentType": "application/octet-stream", "Metadata": dict(metadata)},
                Callback=_Total(on_bytes).add,
                Config=self._transfer_settings(source.size_bytes),
            )

    def delete(self, address: ObjectAddress) -> None:
        """Delete the object; it is no error when there is none."""
        with self.connection.translated(f"cannot delete {address}"):
            self.connection.client(STEADY).delete_object(Bucket=address.bucket, Key=address.key)

    def presign_get(self, address: ObjectAddress, expires_in: timedelta) -> Secret:
        """Return a URL that anybody can GET (and not HEAD) the object with; nothing is sent for that."""
        with self.connection.translated(f"cannot presign {address}"):
            return Secret(
                self.connection.client(STEADY).generate_presigned_url(
                    "get_object",
                    Params={"Bucket": address.bucket, "Key": address.key},
                    ExpiresIn=int(expires_in.total_seconds()),
                )
            )

    def _transfer_settings(self, size_bytes: int) -> TransferConfig:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(
            multipart_threshold=1,  # parts are read before they are sent: see _SteadyFile
            multipart_chunksize=part_size(size_bytes, self._part_bytes),
            max_concurrency=_PARALLEL_PARTS,
            preferred_transfer_client="classic",
        )


def part_size(size_bytes: int, wanted_bytes: int) -> int:
    """Return the size of the parts: the wanted one, or as much as it takes to need no more than 10,000 of them."""
    return max(wanted_bytes, -(-size_bytes // _MAXIMUM_PARTS))


class _SteadyFile(io.FileIO):
    """A file that raises when it ends before the size it had when opened.

    boto3 would announce the size, send less, and wait for minutes for an answer that the store cannot give.
    """

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path, "rb")
        except OSError as error:
            raise ImageUnreadable(
                f"{path} cannot be read", details=error.strerror, remedy="Name a file that this user may read."
            ) from error
        self.size_bytes = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, or all up to the end that the file had."""
        rest = max(0, self.size_bytes - self.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        content = super().read(wanted)
        if content is None or len(content) < wanted:
            raise StorageError(
                f"{self.name!s} became shorter while it was uploaded",
                remedy="Let nothing write to the file, and publish it again.",
            )
        return content


class _Total:
    """Adds up what the threads of an upload report; a part that is sent again counts back first."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self._on_bytes = on_bytes
        self._done_bytes = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done_bytes += count
            self._on_bytes(self._done_bytes)
