"""The last steps of every publication to a store: sidecars beside the object, a presigned URL, and its trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from byoi_tools import __version__
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.digest import USUAL_DIGESTS, Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage, Verification
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.completion import Completed
from byoi_tools.publishing.open_uploads import UploadRecord
from byoi_tools.publishing.ownership import owner_of
from byoi_tools.publishing.placing import Placement
from byoi_tools.publishing.presigned_url import presign
from byoi_tools.publishing.sidecars import sidecar_suffixes, write_beside
from byoi_tools.publishing.url_trial import UrlTrial
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.objects import ObjectStorage


@dataclass(frozen=True, slots=True)
class Handover:
    """How images are handed on: by which doors, for how long, and how well their URLs are tried.

    `storage` is asked for nothing where they go into a directory. `headers` are what the provider will send with its
    request. `algorithms`, SHA-256 among them, are the digests that each image gets; `record` remembers uploads for the
    next run.
    """

    storage: ObjectStorage
    expires: timedelta
    clock: Clock
    observer: Observer
    verification: Verification = Verification.RANGES
    headers: tuple[tuple[str, Secret], ...] = ()
    algorithms: tuple[DigestAlgorithm, ...] = USUAL_DIGESTS
    record: UploadRecord = field(default_factory=UploadRecord)

    def describe(
        self, placement: Placement, address: ObjectAddress, size_bytes: int, digests: tuple[Digest, ...], it: Completed
    ) -> None:
        """Write the manifest and the digests beside the object, bound to it by the run in its metadata.

        An object that has no run, because an old version wrote the same content meanwhile, is not described.
        """
        owner = owner_of(it.metadata)
        if owner is None:
            return
        manifest = Manifest(
            object_name=address.key.rpartition("/")[2],
            image_type=placement.image_type,
            size_bytes=size_bytes,
            digests=digests,
            run_id=owner.run_id,
            created=self.clock.now(),
            source=placement.origin,
            tools={"byoi-tools": __version__, **placement.tools, **self.storage.connection.versions()},
            etag=it.etag or None,
            conversion=placement.conversion,
            verdict=placement.verdict,
        )
        write_beside(self.storage, address, manifest)

    def hand_out(
        self,
        placement: Placement,
        address: ObjectAddress,
        size_bytes: int,
        digests: tuple[Digest, ...],
        source: ByteSource | None,
        *,
        was_reused: bool,
    ) -> PublishedImage:
        """Return the published image with a URL that was tried: against `source`, or for its size when that is None.

        Raises `StorageError`, and `IntegrityError` when the URL brings something else.
        """
        signed = presign(self.storage, address, self.expires, self.clock, self.observer)
        sha256 = next(digest for digest in digests if digest.algorithm is DigestAlgorithm.SHA256)
        trial = UrlTrial(signed.url, str(address), size_bytes, sha256, self.clock, self.observer, self.headers)
        trial.run(self.verification, source)
        return PublishedImage(
            address,
            placement.image_type,
            size_bytes,
            digests,
            signed.url,
            signed.expires_at,
            was_reused,
            sidecar_suffixes(digests),
        )
