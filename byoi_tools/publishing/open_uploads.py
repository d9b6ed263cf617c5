"""Finds the uploads that earlier runs have left: keys name the content, so any open upload of the key will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.multipart import MultipartStorage, OpenUpload, StoredPart


@dataclass(frozen=True, slots=True)
class Remains:
    """The upload that is continued, the parts that it has, and the other open uploads of the key."""

    upload_id: str
    parts: Mapping[int, StoredPart]
    others: tuple[OpenUpload, ...]


class UploadRecord:
    """Where uploads are remembered from one run to the next; this one forgets, and what the store lists is all."""

    def last_begun(self, address: ObjectAddress) -> OpenUpload | None:
        """Return the newest upload of the object that was begun and has not ended, as far as is known."""
        return None

    def begun(self, address: ObjectAddress, upload_id: str) -> None:
        """Remember an upload, before its first part is sent."""

    def ended(self, address: ObjectAddress, *, is_object: bool) -> None:
        """Forget the upload of the object: it has become one, or its parts are deleted."""


def find_remains(
    storage: MultipartStorage, address: ObjectAddress, retries: Retries, remembered: OpenUpload | None = None
) -> Remains | None:
    """Return the newest open upload of that key that has parts, else the newest; None when there is none.

    `remembered` is one that may be open although the store does not list it: not every user may list. Raises
    `StoreFailure` when the store does not answer.
    """
    found = list_uploads(storage, address, retries)
    if remembered is not None and remembered.upload_id not in {each.upload_id for each in found}:
        found.append(remembered)
    uploads = sorted(found, key=lambda each: each.initiated, reverse=True)
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
