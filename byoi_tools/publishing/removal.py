"""Removes what this tool has in a store: one image with all that is beside it, or whatever is old enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from byoi_tools.errors import UsageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import (
    Fate,
    ForeignObject,
    OwnEntry,
    OwnLeftover,
    OwnObject,
    OwnUpload,
    Removal,
)
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.quoting import quote
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.objects import OwnObjects, find_owner
from byoi_tools.publishing.ownership import parse_key
from byoi_tools.publishing.sidecars import beside
from byoi_tools.tools.object_store.connection import STEADY
from byoi_tools.tools.object_store.multipart import MultipartStorage
from byoi_tools.tools.object_store.objects import ObjectStorage


def collect_garbage(
    remover: Callable[[OwnEntry], Removal],
    entries: Iterable[OwnEntry | ForeignObject],
    older_than: timedelta,
    now: datetime,
    *,
    is_dry_run: bool,
) -> Iterator[Removal]:
    """Remove, as the iterator goes on, the entries that were not used for `older_than`; tell the fate of each.

    `remover` removes one; with `is_dry_run` nothing is removed. Raises `StorageError`; what was told is done then, and
    a second run goes on.
    """
    for entry in entries:
        if isinstance(entry, ForeignObject):
            yield Removal(entry, Fate.FOREIGN)
        elif now - entry.last_used < older_than:
            yield Removal(entry, Fate.YOUNG)
        else:
            yield Removal(entry, Fate.DOOMED) if is_dry_run else remover(entry)


def remove(storage: ObjectStorage, entry: OwnEntry) -> Removal:
    """Remove the entry, unless something else lies there by now.

    The image goes first, its sidecars after it: an interruption leaves sidecars, which have their owner's mark
    themselves, and never an image of which nobody knows the digests. Raises `StorageError`.
    """
    address = entry.address
    if not isinstance(address, ObjectAddress):
        raise TypeError("a file in a directory is removed by who found it")
    match entry:
        case OwnUpload():
            MultipartStorage(storage.connection, STEADY).abort(address, entry.upload_id)
            return Removal(entry, Fate.REMOVED)
        case OwnLeftover():
            is_same = storage.head(address) is None
        case OwnObject():
            owner = find_owner(storage, address)
            is_same = owner is not None and owner.run_id == entry.run_id
            if is_same:
                storage.delete(address)
    if is_same:
        _remove_sidecars(storage, address, entry.sidecars)
    return Removal(entry, Fate.REMOVED if is_same else Fate.CHANGED)


def _remove_sidecars(storage: ObjectStorage, address: ObjectAddress, suffixes: tuple[str, ...]) -> None:
    """Remove those that are ours: somebody else's file may be called the same."""
    for suffix in suffixes:
        sidecar = beside(address, suffix)
        if find_owner(storage, sidecar):
            storage.delete(sidecar)


def find_named(
    own_objects: OwnObjects, destination: ObjectPrefix, names: Iterable[str], observer: Observer
) -> list[OwnEntry]:
    """Return what there is of images that a user named, by their names under the prefix or by their whole keys.

    The observer is warned of names of which nothing is there. Raises `UsageError` for what byoi-tools did not write.
    """
    found: list[OwnEntry] = []
    for name in dict.fromkeys(names):
        address = _address_of(destination, name)
        entries = own_objects.of(address)
        for entry in entries:
            if isinstance(entry, ForeignObject):
                raise foreign_error(entry, "its metadata name no run of byoi-tools")
            found.append(entry)
        if not entries:
            observer.warned(f"there is no {address}")
    return found


def _address_of(destination: ObjectPrefix, name: str) -> ObjectAddress:
    is_whole = not destination.prefix or name.startswith(f"{destination.prefix}/")
    address = ObjectAddress(destination.bucket, name) if is_whole else destination.address_of(name)
    require_own_name(address.key, name)
    return address


def foreign_error(entry: ForeignObject, reason: str) -> UsageError:
    """The error for what a user named and somebody else wrote."""
    return UsageError(
        f"{entry.address} was not written by byoi-tools",
        details=reason,
        remedy="Delete it with the tool that wrote it; nothing was deleted now.",
    )


def require_own_name(key: str, given: str) -> None:
    """Raise `UsageError` unless the key of what the user called `given` has the form that images of this tool have."""
    own = parse_key(key)
    if own is None or own.sidecar:
        raise UsageError(
            f"{quote(given)} is not called as byoi-tools calls images",
            details="they are called NAME-DIGITS.qcow2 or NAME-DIGITS.raw, with 16 hexadecimal digits",
            remedy="Take names from `byoi-tools objects list`; nothing was deleted.",
        )
