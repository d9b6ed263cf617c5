"""What lies beside a published object: its manifest, and its digests as `sha256sum -c` and its like read them."""

from __future__ import annotations

from byoi_tools.errors import IntegrityError
from byoi_tools.model.digest import Digest
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.manifest import NotAManifest, parse_manifest, write_manifest
from byoi_tools.publishing.ownership import describe_owner, owner_of
from byoi_tools.tools.object_store.objects import ObjectStorage, StoredObject
from byoi_tools.tools.object_store.small_objects import SmallObjects

MANIFEST_SUFFIX = ".json"
_JSON = "application/json"


def sidecar_suffixes(digests: tuple[Digest, ...]) -> tuple[str, ...]:
    """What is added to the name of an object with these digests, in the order of writing: the manifest is the last."""
    return (*(f".{digest.algorithm.value}" for digest in digests), MANIFEST_SUFFIX)


def write_beside(storage: ObjectStorage, address: ObjectAddress, manifest: Manifest) -> tuple[ObjectAddress, ...]:
    """Write a `KEY.sha256` for each digest and, last, `KEY.json`, in the place of what may be there.

    Returns where they are. The object must be complete. So whoever finds the manifest of the object's run finds
    everything. Raises `StorageError`.
    """
    small = SmallObjects(storage.connection)
    written = []
    for suffix, content in contents_beside(manifest).items():
        kind = _JSON if suffix == MANIFEST_SUFFIX else "text/plain"
        written.append(beside(address, suffix))
        small.write(written[-1], content, kind, describe_owner(manifest.run_id))
    return tuple(written)


def mark_used(storage: ObjectStorage, address: ObjectAddress, manifest: Manifest) -> None:
    """Write the manifest of an object anew, as it is: its age is that of the object for `objects gc`.

    Raises `StorageError`.
    """
    SmallObjects(storage.connection).write(
        beside(address, MANIFEST_SUFFIX), write_manifest(manifest), _JSON, describe_owner(manifest.run_id)
    )


def contents_beside(manifest: Manifest) -> dict[str, bytes]:
    """Return what is written, by the suffix that is added to the object's name, in the order of writing.

    The lines of digests name the object as it is called when it is downloaded into one directory with them.
    """
    digests = {
        f".{digest.algorithm.value}": f"{digest.hexadecimal}  {manifest.object_name}\n".encode()
        for digest in manifest.digests
    }
    return {**digests, MANIFEST_SUFFIX: write_manifest(manifest)}


def read_manifest(
    storage: ObjectStorage, address: ObjectAddress, stored: StoredObject, observer: Observer
) -> Manifest | None:
    """Return the manifest of the object that `storage.head(address)` gave as `stored`, or None when it has none.

    It is the object's own: written by the run that the object's metadata name, for this name and this size. What is
    no manifest, or another object's, is as if it was not there, and the observer is warned. Raises `StorageError`.
    """
    where = beside(address, MANIFEST_SUFFIX)
    try:
        content = SmallObjects(storage.connection).read(where)
        manifest = None if content is None else parse_manifest(content)
    except (NotAManifest, IntegrityError) as unusable:
        observer.warned(f"{where} is not used: {unusable}")
        return None
    if manifest is not None and not _describes(manifest, address, stored):
        observer.warned(f"{where} is not used: it was not written for the object that lies there now")
        return None
    return manifest


def beside(address: ObjectAddress, suffix: str) -> ObjectAddress:
    """The address of a sidecar of the object."""
    return ObjectAddress(address.bucket, address.key + suffix)


def _describes(manifest: Manifest, address: ObjectAddress, stored: StoredObject) -> bool:
    owner = owner_of(stored.metadata)
    is_of_this_run = owner is not None and owner.run_id == manifest.run_id
    name = address.key.rpartition("/")[2]
    return is_of_this_run and (manifest.object_name, manifest.size_bytes) == (name, stored.size_bytes)
