"""Finds the upload that an earlier run has left: keys name the content, so any open upload of the key will do."""

from __future__ import annotations

from collections.abc import Mapping

from byoi_tools.model.published import ObjectAddress
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.multipart_storage import MultipartStorage, OpenUpload, StoredPart
from byoi_tools.tools.storage_failures import StoreFailure


def find_upload(
    storage: MultipartStorage, address: ObjectAddress, retries: Retries
) -> tuple[str, Mapping[int, StoredPart]] | None:
    """Return the id and the parts of the newest open upload of that key that has any; None without one.

    Raises `StoreFailure` when the store does not answer.
    """
    for upload in sorted(list_uploads(storage, address, retries), key=lambda each: each.initiated, reverse=True):
        parts = _parts_of(storage, upload, retries)
        if parts:
            return upload.upload_id, parts
    return None


def list_uploads(storage: MultipartStorage, address: ObjectAddress, retries: Retries) -> list[OpenUpload]:
    """Return the open uploads of exactly that key; none when these credentials may not list them."""
    try:
        found = retries.run(lambda: list(storage.list_uploads(address.bucket, address.key)))
    except StoreFailure as failure:
        if failure.may_pass:
            raise
        return []
    return [upload for upload in found if upload.address == address]


def _parts_of(storage: MultipartStorage, upload: OpenUpload, retries: Retries) -> Mapping[int, StoredPart]:
    try:
        return retries.run(lambda: storage.list_parts(upload.address, upload.upload_id))
    except StoreFailure as failure:
        if failure.may_pass:
            raise
        return {}  # it ended meanwhile, or these credentials may not look at it
