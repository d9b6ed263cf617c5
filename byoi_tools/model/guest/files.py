"""Files of a guest, as every reader of guest file systems gives them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from byoi_tools.model.dataclass import dataclass


class FileKind(Enum):
    """What an inode is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What `lstat` would say; `mode` is the permission bits alone (0o755), `size_bytes` that of a file's content."""

    kind: FileKind
    mode: int
    owner_id: int
    group_id: int
    size_bytes: int
    modified_seconds: int


@dataclass(frozen=True, slots=True)
class NamedStatus:
    """An entry of a directory: its name, hostile like everything in an image, and its status."""

    name: str
    status: FileStatus


class FileReader(Protocol):
    """One file system of a guest, by paths from its own root (`/etc/fstab`), without following symlinks.

    Every method raises `ImageError` where the file system is damaged or too large to be read, and `ToolError` where the
    reader itself failed; a path that does not exist is an answer, not an error. Names are decoded as UTF-8 with
    surrogate escapes.
    """

    @property
    def tells_names_exactly(self) -> bool:
        """Whether a name that is not among the entries of a directory is not there: False where any case finds it."""
        ...

    def status(self, path: str) -> FileStatus | None:
        """The status of the inode at a path, symlinks not followed; None where there is nothing."""
        ...

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory without `.` and `..`; empty where there is no directory."""
        ...

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a regular file, its first `limit_bytes`; None where there is no regular file."""
        ...

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        """The same content in pieces, as it comes; all must be taken, and nothing else asked meanwhile."""
        ...

    def read_link(self, path: str) -> str | None:
        """The target of a symlink; None where there is no symlink."""
        ...

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes at a path (`security.selinux`); empty where there are none."""
        ...
