"""Publishes an image: a private, content-addressed object, reused when it is there, and a presigned URL that works."""

from __future__ import annotations

from datetime import timedelta

from byoi_tools.errors import IntegrityError, StorageError
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import ObjectAddress, PublishedImage, Verification
from byoi_tools.publishing.destination import ObjectPrefix, require_valid_expiry
from byoi_tools.publishing.object_names import describe_content, describes_same_content, name_object
from byoi_tools.publishing.presigned_url import presign
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.publishing.url_trial import UrlTrial
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_storage import ObjectStorage

_WORK = "uploading"


def publish_image(
    source: SourceFile,
    image_type: ImageType,
    name: str,
    destination: ObjectPrefix,
    digests: tuple[Digest, ...],
    expires: timedelta,
    storage: ObjectStorage,
    clock: Clock,
    observer: Observer,
    verification: Verification = Verification.RANGES,
) -> PublishedImage:
    """Return where the image is and the URL that fetches it for `expires` from now on, or as long as its credentials.

    `digests` are those of the file since `source` was observed, SHA-256 among them: the object's key and metadata
    come from them, and `name` is the file name that the key begins with. Nothing is uploaded when an object with that
    SHA-256 and size is there. When the upload fails, is interrupted, or the file changes meanwhile, nothing is left
    in the store. Raises `UsageError` for an impossible `expires`, `StorageError`, and `IntegrityError` when the store
    gives back something else.
    """
    require_valid_expiry(expires)
    sha256 = next(digest for digest in digests if digest.algorithm is DigestAlgorithm.SHA256)
    address = destination.address_of(name_object(name, sha256, image_type))
    metadata = describe_content(source.size_bytes, digests)
    storage.check_access(address.bucket)
    is_there = _is_stored(storage, address, source.size_bytes, metadata)
    if is_there:
        source.require_unchanged()
        observer.noted(f"{address} is already there, with this digest and size: nothing is uploaded")
    else:
        _upload(source, address, metadata, storage, observer)
    signed = presign(storage, address, expires, clock, observer)
    UrlTrial(signed.url, str(address), source.size_bytes, sha256, clock, observer).run(verification, source)
    return PublishedImage(address, image_type, source.size_bytes, digests, signed.url, signed.expires_at, is_there)


def _is_stored(storage: ObjectStorage, address: ObjectAddress, size_bytes: int, metadata: dict[str, str]) -> bool:
    stored = storage.head(address)
    return stored is not None and stored.size_bytes == size_bytes and describes_same_content(metadata, stored.metadata)


def _upload(
    source: SourceFile, address: ObjectAddress, metadata: dict[str, str], storage: ObjectStorage, observer: Observer
) -> None:
    observer.work_started(_WORK, source.size_bytes)
    storage.upload(address, source.path, metadata, lambda done_bytes: observer.work_advanced(_WORK, done_bytes))
    try:
        source.require_unchanged()
        if not _is_stored(storage, address, source.size_bytes, metadata):
            raise IntegrityError(
                f"the store does not hold {address} as it was uploaded",
                details="its size or metadata are not those that were sent",
                remedy="Publish again; if it happens twice, ask the provider of the store.",
            )
    except BaseException:
        _remove(address, storage, observer)
        raise
    observer.work_finished(_WORK)


def _remove(address: ObjectAddress, storage: ObjectStorage, observer: Observer) -> None:
    try:
        storage.delete(address)
    except StorageError as error:
        observer.warned(f"{address} must be deleted by hand, it is not what its name promises: {error.details}")
