"""The file that is published, watched: what is hashed, uploaded and promised must be one and the same content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoi_tools.errors import ImageUnreadable, StorageError
from byoi_tools.tools.image_file import FileIdentity, open_image

_PUBLISH_AGAIN = "Let nothing write to the file, and publish it again."


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file as it was when it was first looked at; observe it before it is hashed."""

    path: Path
    identity: FileIdentity

    @classmethod
    def observe(cls, path: Path) -> SourceFile:
        """Look at the file; raises `ImageUnreadable` unless it is a readable regular file that is not empty."""
        with open_image(path) as file:
            return cls(path, file.identity)

    @property
    def size_bytes(self) -> int:
        """Its size when it was observed."""
        return self.identity.size_bytes

    def require_unchanged(self) -> None:
        """Raise `StorageError` when size, time of modification or identity are not what they were."""
        try:
            now = SourceFile.observe(self.path).identity
        except ImageUnreadable as error:
            raise StorageError(
                f"{self.path} disappeared while it was published", details=error.message, remedy=_PUBLISH_AGAIN
            ) from error
        if now != self.identity:
            raise StorageError(
                f"{self.path} was changed while it was published",
                details=f"{_differences(self.identity, now)} differs from what it was before hashing",
                remedy=_PUBLISH_AGAIN,
            )

    def read_at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, fewer at the end; raises `ImageUnreadable`."""
        with open_image(self.path) as file:
            return file.read_at(offset, length)


def _differences(before: FileIdentity, now: FileIdentity) -> str:
    names = {
        "size": now.size_bytes != before.size_bytes,
        "time of modification": now.modified_ns != before.modified_ns,
        "file behind the name": (now.device, now.inode) != (before.device, before.inode),
    }
    return ", ".join(name for name, differs in names.items() if differs)
