"""What `objects` looks at: what this tool has in a store, or in a directory of a web server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import ForeignObject, OwnEntry, Removal
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.objects import OwnObjects
from byoi_tools.publishing.removal import find_named, remove
from byoi_tools.tools.object_store.objects import ObjectStorage


class Holdings(Protocol):
    """Entries of this tool in one place; `prefix` is what is left away where their names are shown.

    All methods raise `StorageError`.
    """

    prefix: str

    def entries(self) -> Iterator[OwnEntry | ForeignObject]:
        """Yield everything of ours, and what only looks like it."""
        ...

    def named(self, names: Iterable[str]) -> list[OwnEntry]:
        """Return what there is of images that a user named; raises `UsageError` for what is not ours."""
        ...

    def remove(self, entry: OwnEntry) -> Removal:
        """Remove an entry, unless something else lies there by now."""
        ...


class StoredObjects:
    """Those under a prefix of a bucket."""

    def __init__(self, storage: ObjectStorage, destination: ObjectPrefix, observer: Observer) -> None:
        self.prefix = destination.prefix
        self._storage = storage
        self._destination = destination
        self._observer = observer
        self._own = OwnObjects(storage, observer)

    def entries(self) -> Iterator[OwnEntry | ForeignObject]:
        """Yield them in the order of the store, the uploads last."""
        return self._own.under(self._destination)

    def named(self, names: Iterable[str]) -> list[OwnEntry]:
        """By names under the prefix, or by whole keys."""
        return find_named(self._own, self._destination, names, self._observer)

    def remove(self, entry: OwnEntry) -> Removal:
        """The image first, its sidecars after it."""
        return remove(self._storage, entry)
