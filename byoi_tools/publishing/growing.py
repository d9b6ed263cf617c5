"""An object of a store that is named by what its content will be, while the file that it is sent from is still made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.publishing.manifest import Manifest
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage
from byoi_tools.publishing.completion import Completed
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.object_names import name_object
from byoi_tools.publishing.ownership import describe_owner, new_run_id
from byoi_tools.publishing.part_plan import PartPlan, plan_parts
from byoi_tools.publishing.placing import Placement
from byoi_tools.publishing.sidecars import mark_used, read_manifest
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.publishing.upload import Upload
from byoi_tools.tools.image_file import open_image
from byoi_tools.tools.object_store.multipart import MultipartStorage
from byoi_tools.tools.object_store.objects import StoredObject

_CONTENT = "byoi-content"
_READ_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class GrowingObject:
    """Where the file of `placement` goes, by the identity of what it will hold.

    `stored` is what was there before, `manifest` its own where it was begun with this content.
    """

    placement: Placement
    identity: Digest
    address: ObjectAddress
    handover: Handover
    stored: StoredObject | None
    manifest: Manifest | None

    @classmethod
    def look(
        cls, placement: Placement, identity: Digest, destination: ObjectPrefix, handover: Handover
    ) -> GrowingObject:
        """Look at what is there; `identity` is a SHA-256 that no other content has. Raises `StorageError`."""
        address = destination.address_of(name_object(placement.name, identity, placement.image_type))
        stored = handover.storage.head(address)
        is_same = stored is not None and stored.metadata.get(_CONTENT) == identity.hexadecimal
        manifest = read_manifest(handover.storage, address, stored, handover.observer) if stored and is_same else None
        return cls(placement, identity, address, handover, stored, manifest)

    @property
    def was_stored(self) -> bool:
        """Whether an object is there that was begun with this content."""
        return self.stored is not None and self.stored.metadata.get(_CONTENT) == self.identity.hexadecimal

    @property
    def algorithms(self) -> tuple[DigestAlgorithm, ...]:
        """The digests that the object gets: those that are wanted, and those that an earlier run was asked for."""
        earlier = self.manifest.digests if self.manifest else ()
        return tuple(dict.fromkeys((*self.handover.algorithms, *(digest.algorithm for digest in earlier))))

    def reuse(self) -> PublishedImage | None:
        """Return what an earlier run made of the same content, with a fresh URL; None when it is not there.

        Nor when it has no manifest, which is written last and alone tells its digests, or one without a digest that is
        wanted. Raises what `hand_out` raises.
        """
        manifest = self.manifest
        if self.stored is None or manifest is None or not all(map(manifest.digest, self.handover.algorithms)):
            return None
        mark_used(self.handover.storage, self.address, manifest)
        self.handover.observer.noted(f"{self.address} is already there: nothing is converted or uploaded")
        return self.handover.hand_out(
            self.placement, self.address, self.stored.size_bytes, manifest.digests, None, was_reused=True
        )

    def adopt(self, most_bytes: int, digests: tuple[Digest, ...]) -> PublishedImage | None:
        """Describe the object that is there, and return it, when it is the file; None when that cannot be told.

        Its run was killed before the manifest was written. The ETag tells what is in it, where the store makes it so
        (Amazon S3 User Guide, "Checking object integrity": the MD5 of the parts' MD5s, and how many parts there are).
        """
        source = SourceFile.observe(self.placement.path)
        if self.stored is None or self.stored.etag != _etag_of(self.placement.path, plan_parts(most_bytes)):
            return None
        self.handover.observer.noted(
            f"{self.address} is already there, without its manifest or a digest: nothing is sent"
        )
        completed = Completed(self.stored.etag, self.stored.metadata)
        self.handover.describe(self.placement, self.address, source.size_bytes, digests, completed)
        return self.handover.hand_out(self.placement, self.address, source.size_bytes, digests, source, was_reused=True)

    def upload(self, most_bytes: int, *, resumes: bool) -> Upload:
        """Return the upload of the file, which will have `most_bytes` at most."""
        return Upload(
            MultipartStorage(self.handover.storage.connection),
            self.address,
            self.placement.path,
            plan_parts(most_bytes),
            {_CONTENT: self.identity.hexadecimal, **describe_owner(new_run_id())},
            self.handover.clock,
            self.handover.observer,
            resumes=resumes,
            record=self.handover.record,
        )

    def complete(self, upload: Upload, size_bytes: int, digests: tuple[Digest, ...]) -> PublishedImage:
        """Make the object, write beside it what it is, and return it with a URL that was tried; as `hand_out` raises.

        The upload must be finished. What was there without a manifest is replaced.
        """
        completed = upload.complete(replaces=self.stored is not None)
        self.handover.describe(self.placement, self.address, size_bytes, digests, completed)
        source = SourceFile.observe(self.placement.path)
        return self.handover.hand_out(self.placement, self.address, size_bytes, digests, source, was_reused=False)


def _etag_of(path: Path, plan: PartPlan) -> str:
    """What the ETag of the file is as an object, sent by that plan."""
    of_parts = hashlib.md5(usedforsecurity=False)
    with open_image(path) as file:
        count = plan.count(file.size_bytes)
        for number in range(1, count + 1):
            of_part = hashlib.md5(usedforsecurity=False)
            part = plan.part(number, file.size_bytes)
            for start in range(part.start, part.start + part.length, _READ_BYTES):
                of_part.update(file.read_at(start, min(_READ_BYTES, part.start + part.length - start)))
            of_parts.update(of_part.digest())
    return f"{of_parts.hexdigest()}-{count}"
