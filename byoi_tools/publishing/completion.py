"""Makes the object of the parts that were sent, and is satisfied only when the store shows it as it was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools.errors import IntegrityError
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.multipart import MultipartStorage
from byoi_tools.tools.object_store.objects import ObjectStorage, StoredObject

_IDENTITIES = ("byoi-sha256", "byoi-content")
_REFUSALS_OF_CONDITIONS = {"InvalidArgument", "InvalidRequest", "NotImplemented", "501"}
# Somebody else was faster, or our own request was and its answer got lost.
_SIGNS_OF_A_RACE = {"ConditionalRequestConflict", "NoSuchUpload", "PreconditionFailed", "412"}


@dataclass(frozen=True, slots=True)
class Completed:
    """The object that is there now, and the metadata that it has.

    They are those of the run that began the upload, which may have been an earlier one, or that of somebody else who
    stored the same content meanwhile.
    """

    etag: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Promise:
    """The object as it is meant: its address, size, and metadata with `byoi-sha256` or `byoi-content` among them."""

    address: ObjectAddress
    size_bytes: int
    metadata: Mapping[str, str]

    def is_kept_by(self, stored: StoredObject) -> bool:
        """Whether the stored object has the size and was put there as the same content."""
        identities = [name for name in _IDENTITIES if name in self.metadata]
        return (
            bool(identities)
            and stored.size_bytes == self.size_bytes
            and all(stored.metadata.get(name) == self.metadata[name] for name in identities)
        )


def complete_upload(
    storage: MultipartStorage,
    promise: Promise,
    upload_id: str,
    etags: Mapping[int, str],
    retries: Retries,
    *,
    replaces: bool,
) -> Completed:
    """Complete the upload and look at the object.

    Unless `replaces`, an object of that name is never overwritten where the store can prevent it; one with the same
    content is as good as ours. Raises `StoreFailure`, and `IntegrityError` when the store shows another object.
    """
    try:
        _send_completion(storage, promise, upload_id, sorted(etags.items()), retries, if_absent=not replaces)
    except StoreFailure as failure:
        found = find_kept(storage, promise) if failure.may_pass or failure.code in _SIGNS_OF_A_RACE else None
        if found is None:
            raise
        storage.abort(promise.address, upload_id)
        return found
    found = find_kept(storage, promise)
    if found is None:
        raise IntegrityError(
            f"the store does not hold {promise.address} as it was uploaded",
            details="its size or metadata are not those that were sent",
            remedy="Delete it and publish again; if it happens twice, ask the provider of the store.",
        )
    return found


def find_kept(storage: MultipartStorage, promise: Promise) -> Completed | None:
    """Return the object when the store shows it as promised."""
    stored = ObjectStorage(storage.connection).head(promise.address)
    return Completed(stored.etag, stored.metadata) if stored and promise.is_kept_by(stored) else None


def _send_completion(
    storage: MultipartStorage,
    promise: Promise,
    upload_id: str,
    etags: list[tuple[int, str]],
    retries: Retries,
    *,
    if_absent: bool,
) -> None:
    try:
        retries.run(lambda: storage.complete(promise.address, upload_id, etags, if_absent=if_absent))
    except StoreFailure as failure:
        if not if_absent or failure.code not in _REFUSALS_OF_CONDITIONS:
            raise
        retries.run(lambda: storage.complete(promise.address, upload_id, etags, if_absent=False))
