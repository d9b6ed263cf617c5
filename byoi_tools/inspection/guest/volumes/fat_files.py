"""Gives the files of a FAT volume as those of a guest are given, for an EFI system partition that the guest mounts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from byoi_tools.formats.filesystems.fat import FatFileSystem
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.fat import FatEntry
from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus


class FatFiles:
    """A `FileReader` of a FAT volume: names in any case, everything owned by root."""

    tells_names_exactly = False

    def __init__(self, source: ByteSource) -> None:
        """Raises `ImageMalformed` when the source is no FAT volume, `ImageUnsafe` when it is too large to be read."""
        self._files = FatFileSystem(source)

    def status(self, path: str) -> FileStatus | None:
        """The status of a file or directory; None where there is nothing."""
        entry = self._by_path.get(path.upper())
        return None if entry is None else _status(entry)

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory; empty where there is no directory."""
        above = path.rstrip("/").upper()
        return tuple(
            NamedStatus(entry.path.rpartition("/")[2], _status(entry))
            for key, entry in self._by_path.items()
            if entry.path and key.rpartition("/")[0] == above
        )

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a file, its first `limit_bytes`; None where there is no file."""
        entry = self._by_path.get(path.upper())
        return None if entry is None or entry.is_directory else self._files.read(entry.path, limit_bytes)

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        """The content of a regular file, in one piece; None where there is no regular file."""
        content = self.read(path, limit_bytes)
        return None if content is None else iter((content,))

    def read_link(self, path: str) -> str | None:
        """FAT has no symlinks."""
        return None

    def attributes(self, path: str) -> frozenset[str]:
        """FAT has no extended attributes."""
        return frozenset()

    @cached_property
    def _by_path(self) -> dict[str, FatEntry]:
        root = {"/": FatEntry("", is_directory=True, size_bytes=0)}
        return root | {f"/{entry.path}".upper(): entry for entry in self._files.walk()}


def _status(entry: FatEntry) -> FileStatus:
    kind = FileKind.DIRECTORY if entry.is_directory else FileKind.FILE
    return FileStatus(kind, 0o755, 0, 0, entry.size_bytes, 0)
