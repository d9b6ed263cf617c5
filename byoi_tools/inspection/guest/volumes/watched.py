"""Remembers the first thing that went wrong with a file system, whoever was reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from byoi_tools.errors import ByoiError, ContainerMalformed, ImageError, ToolError
from byoi_tools.model.guest.files import FileReader, FileStatus, NamedStatus
from byoi_tools.model.guest.guest import Trouble, TroubleKind

Value = TypeVar("Value")


class WatchedFiles:
    """A `FileReader` that passes everything on; `trouble` is what the first error was."""

    def __init__(self, files: FileReader) -> None:
        self._files = files
        self.trouble: Trouble | None = None

    @property
    def tells_names_exactly(self) -> bool:
        """Whether a name that is not among the entries of a directory is not there."""
        return self._files.tells_names_exactly

    def status(self, path: str) -> FileStatus | None:
        """The status of the inode at a path."""
        return self._watch(lambda: self._files.status(path))

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory."""
        return self._watch(lambda: self._files.entries(path))

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a regular file."""
        return self._watch(lambda: self._files.read(path, limit_bytes))

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        """The content of a regular file, as it comes."""
        pieces = self._watch(lambda: self._files.pieces(path, limit_bytes))
        return None if pieces is None else self._watch_pieces(pieces)

    def read_link(self, path: str) -> str | None:
        """The target of a symlink."""
        return self._watch(lambda: self._files.read_link(path))

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes of the inode at a path."""
        return self._watch(lambda: self._files.attributes(path))

    def _watch(self, ask: Callable[[], Value]) -> Value:
        try:
            return ask()
        except (ImageError, ToolError) as error:
            self._note(error)
            raise

    def _watch_pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        except (ImageError, ToolError) as error:
            self._note(error)
            raise

    def _note(self, error: ByoiError) -> None:
        self.trouble = self.trouble or trouble_of(error)


def trouble_of(error: ByoiError) -> Trouble:
    """The trouble that an error means."""
    kind = TroubleKind.DAMAGED if isinstance(error, ImageError) else TroubleKind.READER_FAILED
    if isinstance(error, ContainerMalformed):
        kind = TroubleKind.CONTAINER_DAMAGED
    reason = f"{error.message} ({error.details})" if error.details else error.message
    return Trouble(kind, reason, error.remedy)
