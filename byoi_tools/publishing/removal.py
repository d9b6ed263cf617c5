"""Removes what this tool has in a store: one image with all that is beside it, or whatever is old enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from byoi_tools.model.own_object import Fate, ForeignObject, OwnEntry, OwnLeftover, OwnObject, OwnUpload, Removal
from byoi_tools.publishing.objects import find_owner
from byoi_tools.publishing.sidecars import beside
from byoi_tools.tools.multipart_storage import MultipartStorage
from byoi_tools.tools.object_storage import ObjectStorage
from byoi_tools.tools.store_connection import STEADY


def collect_garbage(
    storage: ObjectStorage,
    entries: Iterable[OwnEntry | ForeignObject],
    older_than: timedelta,
    now: datetime,
    *,
    is_dry_run: bool,
) -> Iterator[Removal]:
    """Remove, as the iterator goes on, the entries that were not used for `older_than`; tell the fate of each.

    With `is_dry_run` nothing is removed. Raises `StorageError`; what was told is done then, and a second run goes on.
    """
    for entry in entries:
        if isinstance(entry, ForeignObject):
            yield Removal(entry, Fate.FOREIGN)
        elif now - entry.last_used < older_than:
            yield Removal(entry, Fate.YOUNG)
        else:
            yield Removal(entry, Fate.DOOMED) if is_dry_run else remove(storage, entry)


def remove(storage: ObjectStorage, entry: OwnEntry) -> Removal:
    """Remove the entry, unless something else lies there by now.

    The image goes first, its sidecars after it: an interruption leaves sidecars, which have their owner's mark
    themselves, and never an image of which nobody knows the digests. Raises `StorageError`.
    """
    match entry:
        case OwnUpload():
            MultipartStorage(storage.connection, STEADY).abort(entry.address, entry.upload_id)
            return Removal(entry, Fate.REMOVED)
        case OwnLeftover():
            is_same = storage.head(entry.address) is None
        case OwnObject():
            owner = find_owner(storage, entry.address)
            is_same = owner is not None and owner.run_id == entry.run_id
            if is_same:
                storage.delete(entry.address)
    if is_same:
        _remove_sidecars(storage, entry)
    return Removal(entry, Fate.REMOVED if is_same else Fate.CHANGED)


def _remove_sidecars(storage: ObjectStorage, entry: OwnObject | OwnLeftover) -> None:
    """Remove those that are ours: somebody else's file may be called the same."""
    for suffix in entry.sidecars:
        sidecar = beside(entry.address, suffix)
        if find_owner(storage, sidecar):
            storage.delete(sidecar)
