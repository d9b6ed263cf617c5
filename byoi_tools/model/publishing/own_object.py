"""What this tool has in a store or a directory: images, what is left of some, and uploads that never ended."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.digest import Digest
from byoi_tools.model.publishing.published import FileAddress, ObjectAddress


@dataclass(frozen=True, slots=True)
class OwnObject:
    """An image, its `size_bytes`, and the suffixes of the sidecars beside it (`.json`).

    `last_used` is when it was published last: an object that is found and not uploaded again gets new sidecars.
    `sha256` is None when neither the metadata nor a manifest of the object tells it.
    """

    address: ObjectAddress | FileAddress
    size_bytes: int
    last_used: datetime
    run_id: str
    version: str
    sha256: Digest | None
    sidecars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnLeftover:
    """Sidecars of an image that is not there (any more): a deletion was interrupted, or somebody else deleted it."""

    address: ObjectAddress | FileAddress
    size_bytes: int
    last_used: datetime
    sidecars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnUpload:
    """A multipart upload of an image that was neither completed nor aborted; `size_bytes` of it are stored.

    Nothing but its key says that it is ours: uploads have no metadata that could be read. In a directory it is a copy
    that was never ended, and `upload_id` the name of the file.
    """

    address: ObjectAddress | FileAddress
    size_bytes: int
    last_used: datetime
    upload_id: str


@dataclass(frozen=True, slots=True)
class ForeignObject:
    """Something that is called as ours are, and that this tool did not write; it is never touched."""

    address: ObjectAddress | FileAddress


OwnEntry: TypeAlias = OwnObject | OwnLeftover | OwnUpload


class Fate(Enum):
    """What became of something in a store, and why it was kept."""

    REMOVED = "removed"
    DOOMED = "would be removed"
    YOUNG = "kept: used lately"
    FOREIGN = "kept: not written by byoi-tools"
    CHANGED = "kept: it changed meanwhile"


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry, and what became of it."""

    entry: OwnEntry | ForeignObject
    fate: Fate
