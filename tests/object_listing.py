"""What is in a bucket, seen by a client of the tests' own: objects, and parts of uploads that never ended."""

from __future__ import annotations

from fixtures.object_store import ObjectStore


def list_keys(store: ObjectStore, bucket: str) -> list[str]:
    """Return the keys of all objects in the bucket."""
    return [found["Key"] for found in store.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def is_empty(store: ObjectStore, bucket: str) -> bool:
    """Whether the bucket holds nothing at all: no object, and no upload in progress."""
    uploads = store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return not uploads and not list_keys(store, bucket)


def part_sizes(store: ObjectStore, bucket: str) -> list[int]:
    """Return the sizes of the parts of all uploads in progress."""
    uploads = store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [
        part["Size"]
        for upload in uploads
        for part in store.client.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]).get(
            "Parts", []
        )
    ]
