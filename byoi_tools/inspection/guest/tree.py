"""The whole tree of a guest: file systems mounted into each other, and symlinks resolved inside of it."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from byoi_tools.model.guest.files import FileKind, FileReader, FileStatus, NamedStatus

_MAXIMUM_LINKS = 40  # Linux: MAXSYMLINKS
TEXT_LIMIT_BYTES = 1024 * 1024
_WALK_LIMIT_ENTRIES = 500_000
_REMEMBERED = 20_000
_REMEMBERED_DIRECTORIES = 500
_REMEMBERED_ENTRIES = 2000
_QUESTIONS_BEFORE_LISTING = 3


class _Directory(NamedTuple):
    """A directory that was listed."""

    entries: tuple[NamedStatus, ...]
    statuses: dict[str, FileStatus]


class GuestTree:
    """Every path is absolute and as the guest itself would see it; no symlink ever leads out of the guest.

    Raises what its readers raise (`ImageError`, `ToolError`), and nothing for a path that does not exist.
    """

    def __init__(self, mounts: Mapping[str, FileReader]) -> None:
        """Take the readers by mount point: `{"/": root, "/boot": other}`."""
        self._mounts = sorted(mounts.items(), key=lambda mount: -len(mount[0]))
        self._status = lru_cache(maxsize=_REMEMBERED)(self._status_of)
        self._link_of = lru_cache(maxsize=_REMEMBERED)(self._read_link_of)
        self._directories: dict[str, _Directory] = {}
        self._questions: Counter[str] = Counter()

    def resolve(self, path: str) -> str | None:
        """The path with every symlink in it followed; None where something is missing or links form a loop."""
        pending = _parts(path)[::-1]
        done: list[str] = []
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                done = done[:-1]
                continue
            here = _join([*done, part])
            status = self._status(here)
            if status is None:
                return None
            if status.kind is not FileKind.SYMLINK:
                done.append(part)
                continue
            links += 1
            target = self._link_of(here)
            if links > _MAXIMUM_LINKS or target is None:
                return None
            if target.startswith("/"):
                done = []
            pending += _parts(target)[::-1]
        return _join(done)

    def status(self, path: str) -> FileStatus | None:
        """What `stat` would say: symlinks followed; None where there is nothing."""
        resolved = self.resolve(path)
        return None if resolved is None else self._status(resolved)

    def link_status(self, path: str) -> FileStatus | None:
        """What `lstat` would say: symlinks followed in all but the last part."""
        parent = self.resolve(path.rpartition("/")[0] or "/")
        return None if parent is None else self._status(_join([*_parts(parent), path.rpartition("/")[2]]))

    def is_file(self, path: str) -> bool:
        """Whether a regular file is there, symlinks followed."""
        status = self.status(path)
        return status is not None and status.kind is FileKind.FILE

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there, symlinks followed."""
        status = self.status(path)
        return status is not None and status.kind is FileKind.DIRECTORY

    def read_link(self, path: str) -> str | None:
        """The target of the symlink at a path, as stored; None where there is no symlink."""
        parent = self.resolve(path.rpartition("/")[0] or "/")
        if parent is None:
            return None
        return self._link_of(_join([*_parts(parent), path.rpartition("/")[2]]))

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory, ordered by name, symlinks in the path followed; empty where there is none."""
        resolved = self.resolve(path)
        return () if resolved is None else self._list(resolved).entries

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, ordered; empty where there is none."""
        return tuple(entry.name for entry in self.entries(path))

    def read(self, path: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> bytes | None:
        """The first `limit_bytes` of a regular file, symlinks followed; None where there is no such file."""
        resolved = self.resolve(path)
        if resolved is None:
            return None
        reader, inner = self._locate(resolved)
        return reader.read(inner, limit_bytes)

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes]:
        """The same in pieces, as they come; none where there is no such file. Nothing else may be read meanwhile."""
        resolved = self.resolve(path)
        if resolved is None:
            return iter(())
        reader, inner = self._locate(resolved)
        return reader.pieces(inner, limit_bytes) or iter(())

    def read_text(self, path: str, limit_bytes: int = TEXT_LIMIT_BYTES) -> str | None:
        """The file as UTF-8, what is none of it replaced; None where there is no such file. The text is hostile."""
        content = self.read(path, limit_bytes)
        return None if content is None else content.decode("utf-8", "replace")

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes (`security.selinux`), symlinks followed; empty where there are none."""
        resolved = self.resolve(path)
        if resolved is None:
            return frozenset()
        reader, inner = self._locate(resolved)
        return reader.attributes(inner)

    def glob(self, directory: str, pattern: str) -> tuple[str, ...]:
        """The paths of the entries of one directory whose names match a shell pattern, ordered as the shell does."""
        return tuple(
            f"{directory.rstrip('/')}/{name}" for name in self.names(directory) if fnmatch.fnmatchcase(name, pattern)
        )

    def walk(self, path: str) -> Iterator[tuple[str, FileStatus]]:
        """Every path below a directory with its status, symlinks not followed; stops after 500,000 entries."""
        pending = [path.rstrip("/")]
        seen = 0
        while pending:
            directory = pending.pop()
            for entry in self.entries(directory or "/"):
                seen += 1
                if seen > _WALK_LIMIT_ENTRIES:
                    return
                below = f"{directory}/{entry.name}"
                yield below, entry.status
                if entry.status.kind is FileKind.DIRECTORY:
                    pending.append(below)

    def _status_of(self, path: str) -> FileStatus | None:
        """Ask for it; after some questions about one directory list that, which costs no more than another question."""
        reader, inner = self._locate(path)
        parent, _, name = path.rpartition("/")
        if inner == "/" or not reader.tells_names_exactly:
            return reader.status(inner)
        known = self._directories.get(parent or "/")
        if known is None:
            self._questions[parent] += 1
            if self._questions[parent] != _QUESTIONS_BEFORE_LISTING:
                return reader.status(inner)
            known = self._list(parent or "/")
        return known.statuses.get(name)

    def _list(self, path: str) -> _Directory:
        """The directory at a path without symlinks; small ones are remembered."""
        known = self._directories.get(path)
        if known is None:
            reader, inner = self._locate(path)
            entries = tuple(sorted(reader.entries(inner), key=lambda entry: entry.name))
            known = _Directory(entries, {entry.name: entry.status for entry in entries})
            if len(entries) <= _REMEMBERED_ENTRIES and len(self._directories) < _REMEMBERED_DIRECTORIES:
                self._directories[path] = known
        return known

    def _read_link_of(self, path: str) -> str | None:
        reader, inner = self._locate(path)
        return reader.read_link(inner)

    def _locate(self, path: str) -> tuple[FileReader, str]:
        for point, reader in self._mounts:
            if point == "/" or path == point or path.startswith(f"{point}/"):
                return reader, path if point == "/" else path[len(point) :] or "/"
        raise KeyError("a guest has a root")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _join(parts: list[str]) -> str:
    return "/" + "/".join(parts)
