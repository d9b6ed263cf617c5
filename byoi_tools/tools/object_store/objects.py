"""The door to the objects of a store with the S3 API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.tools.object_store.connection import QUICK, STEADY, StoreConnection


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

    def __init__(self, connection: StoreConnection | None = None) -> None:
        self.connection = connection or StoreConnection()

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
