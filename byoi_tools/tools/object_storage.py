"""The door to an object store with the S3 API: the only importer of boto3, which it configures and translates."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.errors import ImageUnreadable, StorageError
from byoi_tools.model.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.tools.storage_failures import storage_error

if TYPE_CHECKING:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from mypy_boto3_s3 import S3Client

_PART_BYTES = 16 * 2**20
_MAXIMUM_PARTS = 10_000  # S3 API, "Multipart upload limits"; the same at OVHcloud
_PARALLEL_PARTS = 4
_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Patience:
    attempts: int
    read_seconds: int


_QUICK = _Patience(attempts=2, read_seconds=10)
_STEADY = _Patience(attempts=4, read_seconds=60)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says of an object: its size, and the metadata it was stored with (names in lower case)."""

    size_bytes: int
    metadata: Mapping[str, str]


class ObjectStorage:
    """The object store that boto3's own configuration names.

    That is AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION,
    AWS_PROFILE, AWS_CA_BUNDLE and the files in ~/.aws. Whatever boto3 raises becomes a `StorageError`
    without secrets in its texts. Nothing is read or sent before the first call.
    """

    def __init__(self, part_bytes: int = _PART_BYTES) -> None:
        self._part_bytes = part_bytes
        self._session: boto3.Session | None = None
        self._clients: dict[_Patience, S3Client] = {}
        self._own_secrets: tuple[str, ...] = ()

    def check_access(self, bucket: str) -> None:
        """Return when these credentials can list the bucket now; costs one request, and seconds when it fails.

        HEAD would tell less: its answers have no body, so no reason either.
        """
        with self._translated(f"cannot use the bucket {bucket}"):
            self._client(_QUICK).list_objects_v2(Bucket=bucket, MaxKeys=1)

    def head(self, address: ObjectAddress) -> StoredObject | None:
        """Return what is stored there, or None when nothing is (a bucket that does not exist looks the same)."""
        from botocore.exceptions import ClientError

        with self._translated(f"cannot look at {address}"):
            try:
                found = self._client(_STEADY).head_object(Bucket=address.bucket, Key=address.key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "404":
                    return None
                raise
            return StoredObject(found["ContentLength"], found["Metadata"])

    def upload(
        self, address: ObjectAddress, path: Path, metadata: Mapping[str, str], on_bytes: Callable[[int], None]
    ) -> None:
        """Store the file, private, in parts; `on_bytes` is told how many bytes are sent in all, by several threads.

        The object appears when all of it is there. On failure and on Ctrl-C the parts are deleted from the store, if
        it can still be reached. Ten parts of 16 MiB are in memory at most. What `on_bytes` raises is lost: boto3 sends
        the part again. Raises `ImageUnreadable` when the file cannot be opened.
        """
        with _SteadyFile(path) as source, self._translated(f"cannot upload {address}"):
            self._client(_STEADY).upload_fileobj(
                Fileobj=source,
                Bucket=address.bucket,
                Key=address.key,
                ExtraArgs={"ContentType": "application/octet-stream", "Metadata": dict(metadata)},
                Callback=_Total(on_bytes).add,
                Config=self._transfer_settings(source.size_bytes),
            )

    def delete(self, address: ObjectAddress) -> None:
        """Delete the object; it is no error when there is none."""
        with self._translated(f"cannot delete {address}"):
            self._client(_STEADY).delete_object(Bucket=address.bucket, Key=address.key)

    def presign_get(self, address: ObjectAddress, expires_in: timedelta) -> Secret:
        """Return a URL that anybody can GET (and not HEAD) the object with; nothing is sent for that."""
        with self._translated(f"cannot presign {address}"):
            return Secret(
                self._client(_STEADY).generate_presigned_url(
                    "get_object",
                    Params={"Bucket": address.bucket, "Key": address.key},
                    ExpiresIn=int(expires_in.total_seconds()),
                )
            )

    def _client(self, patience: _Patience) -> S3Client:
        import boto3
        from botocore.config import Config

        if self._session is None:
            session = boto3.Session()
            self._own_secrets = _secrets_of(session)
            self._session = session
        if patience not in self._clients:
            self._clients[patience] = self._session.client(
                "s3",
                config=Config(
                    signature_version="s3v4",
                    # Regions of OVHcloud refused the checksums that boto3 adds by default since 1.36 (boto3#4401).
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=patience.read_seconds,
                    retries={"mode": "standard", "total_max_attempts": patience.attempts},
                ),
            )
        return self._clients[patience]

    def _transfer_settings(self, size_bytes: int) -> TransferConfig:
        from boto3.s3.transfer import TransferConfig

        return TransferConfig(
            multipart_threshold=1,  # parts are read before they are sent: see _SteadyFile
            multipart_chunksize=part_size(size_bytes, self._part_bytes),
            max_concurrency=_PARALLEL_PARTS,
            preferred_transfer_client="classic",
        )

    @contextmanager
    def _translated(self, what_failed: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, said = str(answer.get("Code", "")), str(answer.get("Message", ""))
            failure = storage_error(what_failed, code, f"{code}: {said}", self._own_secrets)
        except (BotoCoreError, ValueError, OSError) as error:
            failure = storage_error(what_failed, type(error).__name__, str(error), self._own_secrets)
        else:
            return
        raise failure from None  # the text of the cause may hold a signed header


def part_size(size_bytes: int, wanted_bytes: int) -> int:
    """Return the size of the parts: the wanted one, or as much as it takes to need no more than 10,000 of them."""
    return max(wanted_bytes, -(-size_bytes // _MAXIMUM_PARTS))


def _secrets_of(session: boto3.Session) -> tuple[str, ...]:
    credentials = session.get_credentials()
    parts = (credentials.access_key, credentials.secret_key, credentials.token) if credentials else ()
    if any(part and not re.fullmatch("[!-~]+", part) for part in parts):
        raise ValueError("a key or token contains a blank, a control character or a letter that is not ASCII")
    return tuple(part for part in parts if part)


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
