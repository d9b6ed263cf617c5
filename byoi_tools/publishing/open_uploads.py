"""Finds the uploads that earlier runs have left: keys name the content, so any open upload of the key will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools.model.published import ObjectAddress
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.multipart_storage import MultipartStorage, OpenUpload, StoredPart
from byoi_tools.tools.storage_failures import StoreFailure


@dataclass(frozen=True, slots=True)
class Remains:
    """The upload that is continued, the parts that it has, and the other open uploads of the key."""

    upload_id: str
    parts: Mapping[int, StoredPart]
    others: tuple[OpenUpload, ...]


def find_remains(storage: MultipartStorage, address: ObjectAddress, retries: Retries) -> Remains | None:
    """Return the newest open upload of that key that has parts, else the newest; None when there is none.

    Raises `StoreFailure` when the store does not answer.
    """
    uploads = sorted(list_uploads(storage, address, retries), key=lambda each: each.initiated, reverse=True)
    parts_of = {each: parts for each in uploads if (parts := _parts_of(storage, each, retries)) is not None}
    chosen = next((each for each, parts in parts_of.items() if parts), next(iter(parts_of), None))
    if chosen is None:
        return None
    return Remains(chosen.upload_id, parts_of[chosen], tuple(each for each in uploads if each != chosen))


def list_uploads(storage: MultipartStorage, address: ObjectAddress, retries: Retries) -> list[OpenUpload]:
    """Return the open uploads of exactly that key; none when these credentials may not list them."""
    try:
        found = retries.run(lambda: list(storage.list_uploads(address.bucket, address.key)))
    except StoreFailure as failure:
        if failure.may_pass:
            raise
        return []
    return [upload for upload in found if upload.address == address]


def _parts_of(storage: MultipartStorage, upload: OpenUpload, retries: Retries) -> Mapping[int, StoredPart] | None:
    try:
        return retries.run(lambda: storage.list_parts(upload.address, upload.upload_id))
    except StoreFailure as failure:
        if failure.may_pass:
            raise
        return None  # it ended meanwhile, or these credentials may not look at it
