"""Uploads of parts as small as the S3 API allows, with a clock that does not wait, and what they leave in a bucket."""

from __future__ import annotations

from pathlib import Path

from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.part_plan import PartPlan
from byoi_tools.publishing.upload import Upload
from byoi_tools.tools.object_store.multipart import MultipartStorage
from fixtures.object_store import ObjectStore
from tests.clock import FakeClock
from tests.object_listing import list_keys

KEY = "a/image.raw"
PART = 5 * 2**20  # S3 API: only the last part may be smaller
PLAN = PartPlan(PART, 4)
METADATA = {"byoi-content": "12ab", "byoi-run": "first"}


class Notes(Observer):
    def __init__(self) -> None:
        self.done: list[int] = []
        self.notes: list[str] = []

    def work_advanced(self, work: str, done_bytes: int) -> None:
        self.done.append(done_bytes)

    def noted(self, message: str) -> None:
        self.notes.append(message)

    warned = noted


def upload(
    path: Path, bucket: str, observer: Observer | None = None, *, resumes: bool = True, plan: PartPlan = PLAN
) -> Upload:
    return Upload(
        MultipartStorage(),
        ObjectAddress(bucket, KEY),
        path,
        plan,
        METADATA,
        FakeClock(),
        observer or Observer(),
        resumes=resumes,
    )


def read_object(store: ObjectStore, bucket: str) -> bytes:
    return store.client.get_object(Bucket=bucket, Key=KEY)["Body"].read()


def is_object_absent(store: ObjectStore, bucket: str) -> bool:
    return "Contents" not in store.client.list_objects_v2(Bucket=bucket)


def is_object_alone(store: ObjectStore, bucket: str) -> bool:
    """Whether the bucket holds the object, and no part of any upload of it."""
    uploads = store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return list_keys(store, bucket) == [KEY] and not [each for each in uploads if each["Key"] == KEY]


def send_parts(store: ObjectStore, bucket: str, parts: dict[int, bytes]) -> str:
    """Leave an upload with these parts, as an earlier run does that ended in the middle."""
    begun = store.client.create_multipart_upload(Bucket=bucket, Key=KEY, Metadata=METADATA)
    upload_id = begun["UploadId"]
    for number, content in parts.items():
        store.client.upload_part(Bucket=bucket, Key=KEY, UploadId=upload_id, PartNumber=number, Body=content)
    return upload_id
