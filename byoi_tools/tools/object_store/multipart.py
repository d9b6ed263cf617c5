"""The door to multipart uploads of a store with the S3 API: plain calls, none of them tried again unless asked for.

Rules: Amazon S3 API reference, "CreateMultipartUpload", "UploadPart", "ListParts", "ListMultipartUploads",
"CompleteMultipartUpload", "AbortMultipartUpload".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.connection import ONCE, PARTS, Patience, StoreConnection
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.part_body import PartBody

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONTENT_TYPE = "application/octet-stream"
_MD5 = re.compile("[0-9a-f]{32}")
_CRC32_BYTES = 4
_MAXIMUM_PAGES = 10_000  # a store that pages for ever must not hold us


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that the store has: `number` counts from 1, `etag` is without quotes, `stored_at` knows its time zone."""

    number: int
    size_bytes: int
    etag: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that was neither completed nor aborted; `initiated` is aware of its time zone."""

    address: ObjectAddress
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What the store says of a part that it took: `etag` without quotes, `md5` (hexadecimal) where that is one.

    `crc32` is the CRC-32 that the store found, None where it tells none.
    """

    etag: str
    md5: str | None
    crc32: int | None = None


class MultipartStorage:
    """Multipart uploads of the store that a connection leads to; whatever boto3 raises becomes a `StoreFailure`."""

    def __init__(self, connection: StoreConnection | None = None, patience: Patience = ONCE) -> None:
        self.connection = connection or StoreConnection()
        self._patience = patience

    def create(self, address: ObjectAddress, metadata: Mapping[str, str]) -> str:
        """Begin an upload of an object with this metadata, and return the upload's id."""
        with self.connection.translated(f"cannot begin the upload of {address}"):
            answer = self._client.create_multipart_upload(
                Bucket=address.bucket, Key=address.key, ContentType=_CONTENT_TYPE, Metadata=dict(metadata)
            )
            return answer["UploadId"]

    def send_part(
        self,
        address: ObjectAddress,
        upload_id: str,
        number: int,
        body: PartBody,
        content_md5: bytes | None = None,
        crc32: int | None = None,
    ) -> PartAnswer:
        """Send a part; with `content_md5` (16 bytes), or `crc32`, the store refuses it as BadDigest when damaged.

        A store that does not know a CRC passes it over, and answers with none.
        """
        checked = {}
        if content_md5 is not None:
            checked["ContentMD5"] = base64.b64encode(content_md5).decode()
        if crc32 is not None:
            checked["ChecksumCRC32"] = base64.b64encode(crc32.to_bytes(_CRC32_BYTES, "big")).decode()
        with self.connection.translated(f"cannot send part {number} of {address}"):
            answer = self.connection.client(PARTS if checked else self._patience).upload_part(
                Bucket=address.bucket,
                Key=address.key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                **checked,  # type: ignore[arg-type] # mypy cannot tell which parameter it is
            )
            etag = answer["ETag"].strip('"')
            # S3 API, "Object", ETag: it is no MD5 where the store encrypts with keys of a service or the customer's.
            is_encrypted = "SSECustomerAlgorithm" in answer or "kms" in answer.get("ServerSideEncryption", "")
            md5 = etag if _MD5.fullmatch(etag) and not is_encrypted else None
            return PartAnswer(etag, md5, _read_crc32(answer.get("ChecksumCRC32")))

    def list_parts(self, address: ObjectAddress, upload_id: str) -> dict[int, StoredPart]:
        """Return the parts that the upload has, by number; a request for each 1,000 of them."""
        found: dict[int, StoredPart] = {}
        marker = 0
        for _ in range(_MAXIMUM_PAGES):
            with self.connection.translated(f"cannot list the parts of {address}"):
                page = self._client.list_parts(
                    Bucket=address.bucket, Key=address.key, UploadId=upload_id, PartNumberMarker=marker
                )
                for part in page.get("Parts", []):
                    stored = StoredPart(part["PartNumber"], part["Size"], part["ETag"].strip('"'), part["LastModified"])
                    found[stored.number] = stored
            following = page.get("NextPartNumberMarker", 0)
            if not page.get("IsTruncated") or following <= marker:
                break
            marker = following
        return found

    def list_uploads(self, bucket: str, prefix: str) -> Iterator[OpenUpload]:
        """Yield the open uploads whose keys begin with `prefix`; a request for each 1,000 of them.

        Keys are asked for in URL encoding: XML cannot have all that somebody else's may hold.
        """
        key_marker, id_marker = "", ""
        for _ in range(_MAXIMUM_PAGES):
            with self.connection.translated(f"cannot list the uploads in s3://{bucket}/{prefix}"):
                page = self._client.list_multipart_uploads(
                    Bucket=bucket, Prefix=prefix, KeyMarker=key_marker, UploadIdMarker=id_marker, EncodingType="url"
                )
                uploads = [
                    OpenUpload(ObjectAddress(bucket, unquote(each["Key"])), each["UploadId"], each["Initiated"])
                    for each in page.get("Uploads", [])
                ]
            yield from uploads
            if not page.get("IsTruncated") or not uploads:
                return
            # SeaweedFS gives no NextKeyMarker.
            key_marker = unquote(page.get("NextKeyMarker", "")) or uploads[-1].address.key
            id_marker = page.get("NextUploadIdMarker") or uploads[-1].upload_id

    def complete(
        self, address: ObjectAddress, upload_id: str, etags: Iterable[tuple[int, str]], *, if_absent: bool
    ) -> str:
        """Make the object of the parts (number and ETag, by number) and return its ETag, without quotes.

        With `if_absent` the store refuses it as PreconditionFailed when there is an object of that name. An answer of
        200 with an error in its body is a failure (botocore makes status 500 of it).
        """
        conditions = {"IfNoneMatch": "*"} if if_absent else {}
        with self.connection.translated(f"cannot complete the upload of {address}"):
            answer = self._client.complete_multipart_upload(
                Bucket=address.bucket,
                Key=address.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in etags]},
                **conditions,  # type: ignore[arg-type] # mypy cannot tell which parameter it is
            )
            return answer.get("ETag", "").strip('"')

    def abort(self, address: ObjectAddress, upload_id: str) -> None:
        """End the upload and delete its parts; it is no error when there is no such upload."""
        try:
            with self.connection.translated(f"cannot abort the upload of {address}"):
                self._client.abort_multipart_upload(Bucket=address.bucket, Key=address.key, UploadId=upload_id)
        except StoreFailure as failure:
            if failure.code != "NoSuchUpload":
                raise

    @property
    def _client(self) -> S3Client:
        return self.connection.client(self._patience)


def _read_crc32(text: str | None) -> int | None:
    try:
        digits = base64.b64decode(text or "", validate=True)
    except ValueError:
        return None
    return int.from_bytes(digits, "big") if len(digits) == _CRC32_BYTES else None
