"""Finds what this tool has in a store: under a prefix, or by name, and nothing that somebody else put there.

An object is ours when its key has the form of ours and its metadata name a run of this tool. Uploads in progress have
no metadata that could be read: of them the form of the key decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import ForeignObject, OwnEntry, OwnLeftover, OwnObject, OwnUpload
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.ownership import Owner, owner_of, parse_key
from byoi_tools.publishing.sidecars import MANIFEST_SUFFIX, read_manifest
from byoi_tools.tools.object_store.connection import STEADY
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.listing import ListedObject, ObjectListing
from byoi_tools.tools.object_store.multipart import MultipartStorage, OpenUpload
from byoi_tools.tools.object_store.objects import ObjectStorage, StoredObject

_PARALLEL = 8
_BATCH = 64
_DIGEST = "byoi-sha256"
_NO_LIST_OF_UPLOADS = {"AccessDenied", "NotImplemented", "MethodNotAllowed"}


@dataclass(slots=True)
class _Group:
    """An image as it is listed, if it is, and what lies beside it, by suffix."""

    address: ObjectAddress
    image: ListedObject | None = None
    sidecars: dict[str, ListedObject] = field(default_factory=dict)

    def add(self, sidecar: str, found: ListedObject) -> None:
        if sidecar:
            self.sidecars[sidecar] = found
        else:
            self.image = found

    @property
    def members(self) -> list[ListedObject]:
        return [*self.sidecars.values(), *([self.image] if self.image else [])]


@dataclass(slots=True)
class _Others:
    """How many keys were passed over because they have not the form of ours."""

    count: int = 0


class OwnObjects:
    """The objects of this tool in a store.

    The observer is told of what was passed over. A page of keys and a batch of examined objects are in memory, however
    many there are. All methods raise `StorageError`.
    """

    def __init__(self, storage: ObjectStorage, observer: Observer) -> None:
        self._storage = storage
        self._listing = ObjectListing(storage.connection)
        self._multipart = MultipartStorage(storage.connection, STEADY)
        self._observer = observer

    def under(self, destination: ObjectPrefix) -> Iterator[OwnEntry | ForeignObject]:
        """Yield everything of ours whose key begins with the prefix and a slash, and what only looks like it."""
        prefix = f"{destination.prefix}/" if destination.prefix else ""
        others = _Others()
        groups = _group(self._listing.objects(destination.bucket, prefix), others)
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="objects") as pool:
            while batch := list(islice(groups, _BATCH)):
                yield from filter(None, pool.map(self._examine, batch))
        yield from self._uploads(destination.bucket, prefix, others)
        if others.count:
            self._observer.noted(
                f"{others.count} under s3://{destination.bucket}/{prefix} not named as byoi-tools names: not looked at"
            )

    def of(self, address: ObjectAddress) -> list[OwnEntry | ForeignObject]:
        """Return what there is of one image: itself or what is left of it, and its uploads."""
        listed = _group(self._listing.objects(address.bucket, address.key), _Others())
        examined = [self._examine(group) for group in listed if group.address == address]
        uploads = [one for one in self._uploads(address.bucket, address.key, _Others()) if one.address == address]
        return [*(entry for entry in examined if entry is not None), *uploads]

    def _examine(self, group: _Group) -> OwnEntry | ForeignObject | None:
        """None for what has gone, or come, since it was listed."""
        stored = self._storage.head(group.address)
        if group.image is None:
            return None if stored else self._examine_leftover(group)
        if stored is None:
            return None
        owner = owner_of(stored.metadata)
        if owner is None:
            return ForeignObject(group.address)
        return OwnObject(
            group.address,
            stored.size_bytes,
            max(member.modified for member in group.members),
            owner.run_id,
            owner.version,
            self._digest_of(group, stored),
            tuple(sorted(group.sidecars)),
        )

    def _examine_leftover(self, group: _Group) -> OwnEntry | ForeignObject:
        own = {suffix: found for suffix, found in group.sidecars.items() if find_owner(self._storage, found.address)}
        if not own:
            return ForeignObject(next(iter(group.sidecars.values())).address)
        return OwnLeftover(
            group.address,
            sum(found.size_bytes for found in own.values()),
            max(found.modified for found in own.values()),
            tuple(sorted(own)),
        )

    def _digest_of(self, group: _Group, stored: StoredObject) -> Digest | None:
        try:
            return Digest(DigestAlgorithm.SHA256, stored.metadata.get(_DIGEST, ""))
        except ValueError:
            pass
        if MANIFEST_SUFFIX not in group.sidecars:
            return None
        manifest = read_manifest(self._storage, group.address, stored, self._observer)
        return manifest.digest(DigestAlgorithm.SHA256) if manifest else None

    def _uploads(self, bucket: str, prefix: str, others: _Others) -> Iterator[OwnUpload]:
        try:
            for upload in self._multipart.list_uploads(bucket, prefix):
                own = parse_key(upload.address.key)
                if own is None or own.sidecar:
                    others.count += 1
                elif (entry := self._examine_upload(upload)) is not None:
                    yield entry
        except StoreFailure as failure:
            if failure.code not in _NO_LIST_OF_UPLOADS:
                raise
            self._observer.warned(f"incomplete uploads are passed over: {failure.message} ({failure.details})")

    def _examine_upload(self, upload: OpenUpload) -> OwnUpload | None:
        try:
            parts = self._multipart.list_parts(upload.address, upload.upload_id).values()
        except StoreFailure as failure:
            if failure.code == "NoSuchUpload":  # it was completed or aborted since it was listed
                return None
            raise
        last_used = max([upload.initiated, *(part.stored_at for part in parts)])
        return OwnUpload(upload.address, sum(part.size_bytes for part in parts), last_used, upload.upload_id)


def find_owner(storage: ObjectStorage, address: ObjectAddress) -> Owner | None:
    """Return who wrote the object that lies there now; None when nothing does, or it was not this tool."""
    stored = storage.head(address)
    return owner_of(stored.metadata) if stored else None


def _group(listed: Iterable[ListedObject], others: _Others) -> Iterator[_Group]:
    """Yield images with their sidecars; a group is open as long as keys come that begin with its image's key."""
    opened: dict[str, _Group] = {}
    for found in listed:
        for ended in [key for key in opened if not found.address.key.startswith(key)]:
            yield opened.pop(ended)
        own = parse_key(found.address.key)
        if own is None:
            others.count += 1
            continue
        address = ObjectAddress(found.address.bucket, own.object_key)
        opened.setdefault(own.object_key, _Group(address)).add(own.sidecar, found)
    yield from opened.values()
