"""Publishes an image as it is: a private, content-addressed object, reused when it is there, and a URL that works."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.errors import ByoiError, StorageError
from byoi_tools.model.digest import Digest, DigestAlgorithm, in_usual_order
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.publishing.background_digest import BackgroundDigest
from byoi_tools.publishing.completion import Completed, Promise
from byoi_tools.publishing.destination import ObjectPrefix, require_valid_expiry
from byoi_tools.publishing.digests import digest_file
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.object_names import describe_content, name_object
from byoi_tools.publishing.ownership import describe_owner, new_run_id, owner_of
from byoi_tools.publishing.part_plan import plan_parts
from byoi_tools.publishing.placing import Placement
from byoi_tools.publishing.sidecars import mark_used, read_manifest
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.publishing.upload import Upload
from byoi_tools.tools.image_file import open_image
from byoi_tools.tools.object_store.multipart import MultipartStorage
from byoi_tools.tools.object_store.objects import StoredObject

_NAMING = DigestAlgorithm.SHA256


@dataclass(frozen=True, slots=True)
class _Subject:
    """The file, and the object that it is to become."""

    placement: Placement
    source: SourceFile
    sha256: Digest
    promise: Promise


def publish_image(
    placement: Placement, destination: ObjectPrefix, handover: Handover, *, resumes: bool = True
) -> PublishedImage:
    """Return where the image is and the URL that fetches it for `handover.expires` from now on.

    The file is read once for the SHA-256, which names the object, and once more for the upload; the other digests are
    computed meanwhile. Nothing is uploaded when an object with that SHA-256 and size is there. When the upload fails or
    is interrupted, the parts that were sent are kept for the next run; when the file changes meanwhile, nothing is left
    in the store. Raises `UsageError` for an impossible expiry, `ImageUnreadable`, `StorageError`, and `IntegrityError`
    when the store gives back something else.
    """
    require_valid_expiry(handover.expires)
    handover.storage.check_access(destination.bucket)
    source = SourceFile.observe(placement.path)
    with BackgroundDigest(source.path, tuple(each for each in handover.algorithms if each is not _NAMING)) as others:
        subject = _name(placement, source, destination, handover.observer)
        address = subject.promise.address
        stored = handover.storage.head(address)
        # Without our mark it could have no manifest, and `objects` would not find it.
        is_there = stored is not None and subject.promise.is_kept_by(stored) and owner_of(stored.metadata) is not None
        if not is_there:
            digests = _upload(subject, others, handover, resumes=resumes, replaces=stored is not None)
    if stored is not None and is_there:
        digests = _reuse(subject, stored, handover)
    return handover.hand_out(placement, address, source.size_bytes, digests, source, was_reused=is_there)


def _name(placement: Placement, source: SourceFile, destination: ObjectPrefix, observer: Observer) -> _Subject:
    sha256 = _digest_now(source, (_NAMING,), observer)[0]
    address = destination.address_of(name_object(placement.name, sha256, placement.image_type))
    metadata = {**describe_content(source.size_bytes, (sha256,)), **describe_owner(new_run_id())}
    return _Subject(placement, source, sha256, Promise(address, source.size_bytes, metadata))


def _reuse(subject: _Subject, stored: StoredObject, handover: Handover) -> tuple[Digest, ...]:
    """The digests of the object that is there: of its manifest, which is written anew when it lacks one."""
    address, source, observer = subject.promise.address, subject.source, handover.observer
    observer.noted(f"{address} is already there, with this digest and size: nothing is uploaded")
    manifest = read_manifest(handover.storage, address, stored, observer)
    known = manifest.digests if manifest and subject.sha256 in manifest.digests else (subject.sha256,)
    missing = tuple(set(handover.algorithms) - {digest.algorithm for digest in known})
    computed = _digest_now(source, missing, observer) if missing else ()
    source.require_unchanged()
    if manifest and not missing:
        mark_used(handover.storage, address, manifest)
        return known
    digests = in_usual_order((*known, *computed))
    handover.describe(subject.placement, address, source.size_bytes, digests, Completed(stored.etag, stored.metadata))
    return digests


def _upload(
    subject: _Subject, others: BackgroundDigest, handover: Handover, *, resumes: bool, replaces: bool
) -> tuple[Digest, ...]:
    source, promise = subject.source, subject.promise
    with Upload(
        MultipartStorage(handover.storage.connection),
        promise.address,
        source.path,
        plan_parts(source.size_bytes),
        promise.metadata,
        handover.clock,
        handover.observer,
        resumes=resumes,
        total_bytes=source.size_bytes,
        record=handover.record,
    ) as upload:
        try:
            upload.finish(source.size_bytes)
            digests = (subject.sha256, *others.result())
        except ByoiError:
            _abandon_if_changed(source, upload)
            raise
        _abandon_if_changed(source, upload)
        completed = upload.complete(replaces=replaces)
    handover.describe(subject.placement, promise.address, source.size_bytes, digests, completed)
    return digests


def _abandon_if_changed(source: SourceFile, upload: Upload) -> None:
    """Raise `StorageError` when the file is not what it was; no part of it is kept then."""
    try:
        source.require_unchanged()
    except StorageError:
        upload.abandon()
        raise


def _digest_now(source: SourceFile, algorithms: tuple[DigestAlgorithm, ...], observer: Observer) -> tuple[Digest, ...]:
    with open_image(source.path) as file:
        return digest_file(file, algorithms, observer)
