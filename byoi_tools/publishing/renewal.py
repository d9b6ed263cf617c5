"""Hands out a fresh URL of an object that an earlier run published, when it is still there."""

from __future__ import annotations

from datetime import timedelta

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage, Verification
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.destination import require_valid_expiry
from byoi_tools.publishing.object_names import describe_content, describes_same_content
from byoi_tools.publishing.presigned_url import presign
from byoi_tools.publishing.sidecars import mark_used, read_manifest, sidecar_suffixes
from byoi_tools.publishing.url_trial import UrlTrial
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.objects import ObjectStorage, StoredObject


def renew_publication(
    address: ObjectAddress,
    image_type: ImageType,
    size_bytes: int,
    digests: tuple[Digest, ...],
    expires: timedelta,
    storage: ObjectStorage,
    clock: Clock,
    observer: Observer,
    verification: Verification = Verification.RANGES,
    headers: tuple[tuple[str, Secret], ...] = (),
) -> PublishedImage | None:
    """Return the published object with a new URL, or None when it is not there as it was published.

    The URL is tried for the object's size, the content was compared when it was uploaded; `FULL` compares it again.
    `headers` are what the provider will send with its request. Raises `UsageError` for an impossible `expires`,
    `StorageError`, and `IntegrityError` when the URL brings something else than the store says.
    """
    require_valid_expiry(expires)
    storage.check_access(address.bucket)
    stored = storage.head(address)
    manifest = read_manifest(storage, address, stored, observer) if stored else None
    if stored is None or stored.size_bytes != size_bytes or not _has_digests(stored, manifest, digests):
        return None
    if manifest is not None:
        mark_used(storage, address, manifest)
    signed = presign(storage, address, expires, clock, observer)
    sha256 = next(digest for digest in digests if digest.algorithm is DigestAlgorithm.SHA256)
    UrlTrial(signed.url, str(address), size_bytes, sha256, clock, observer, headers).run(verification)
    observer.noted(f"{address} is already there, from an earlier run: nothing is converted or uploaded")
    sidecars = sidecar_suffixes(digests) if manifest else ()
    return PublishedImage(address, image_type, size_bytes, digests, signed.url, signed.expires_at, True, sidecars)


def _has_digests(stored: StoredObject, manifest: Manifest | None, digests: tuple[Digest, ...]) -> bool:
    """Whether the object was stored as this content: by its metadata, or by its manifest.

    What was converted on its way has no digest in its metadata: they are older than its content.
    """
    if describes_same_content(describe_content(stored.size_bytes, digests), stored.metadata):
        return True
    return manifest is not None and all(digest in manifest.digests for digest in digests)
