"""Reads the files of a file system that the appliance of libguestfs has mounted.

Each question takes the appliance milliseconds, so whole directories are asked for, and once. Then nothing is asked for
that is not there, either: of that the library would tell the user on standard error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus
from byoi_tools.tools.guestfs.appliance import Appliance, unreadable

if TYPE_CHECKING:
    import guestfs

Status = dict[str, int]

_MAX_ENTRIES = 200_000
_IN_ONE_MESSAGE = 1024 * 1024
_REMEMBERED_DIRECTORIES = 1000
_NO_UTF_8 = "\N{REPLACEMENT CHARACTER}"
_KINDS = {0x8: FileKind.FILE, 0x4: FileKind.DIRECTORY, 0xA: FileKind.SYMLINK}


class GuestfsFiles:
    """A `FileReader` of a mounted file system. Names that are not UTF-8 are left out."""

    tells_names_exactly = True

    def __init__(self, appliance: Appliance, place: str, what: str) -> None:
        """`place` is the directory of the appliance where it is mounted, `what` its name in errors."""
        self._appliance = appliance
        self._place = place
        self._what = what
        self._listed = lru_cache(maxsize=_REMEMBERED_DIRECTORIES)(self._list)
        self._target = lru_cache(maxsize=None)(self._read_link)

    def status(self, path: str) -> FileStatus | None:
        """The status of the inode at a path, symlinks not followed; None where there is nothing."""
        parent, _, name = path.rstrip("/").rpartition("/")
        if not name:
            root: Status = self._ask(lambda handle: handle.lstatns(self._place))
            return _status_of(root)
        return self._listed(parent).get(name)

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory without `.` and `..`; empty where there is no directory."""
        return tuple(NamedStatus(name, status) for name, status in self._listed(path.rstrip("/")).items())

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a regular file, its first `limit_bytes`; None where there is no regular file."""
        status = self.status(path)
        if status is None or status.kind is not FileKind.FILE:
            return None
        size = min(limit_bytes, status.size_bytes)
        if size == 0:
            return b""
        if size <= _IN_ONE_MESSAGE:
            content: bytes = self._ask(lambda handle: handle.pread(self._place + path, size, 0))
            return content
        with tempfile.NamedTemporaryFile() as file:
            self._ask(lambda handle: handle.download_offset(self._place + path, file.name, 0, size))
            return file.read()

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        """The content of a regular file, in one piece; None where there is no regular file."""
        content = self.read(path, limit_bytes)
        return None if content is None else iter((content,))

    def read_link(self, path: str) -> str | None:
        """The target of a symlink; None where there is no symlink."""
        status = self.status(path)
        return self._target(path) if status is not None and status.kind is FileKind.SYMLINK else None

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes of the inode at a path; empty where there are none."""
        if self.status(path) is None:
            return frozenset()
        listed: list[dict[str, str]] = self._ask(lambda handle: handle.lgetxattrs(self._place + path))
        return frozenset(entry["attrname"] for entry in listed)

    def _list(self, directory: str) -> dict[str, FileStatus]:
        """What is in a directory, whose path has no slash at its end; nothing where there is no directory."""
        status = self.status(directory)
        if status is None or status.kind is not FileKind.DIRECTORY:
            return {}
        names = self._names(directory)
        statuses: list[Status] = self._ask(lambda handle: handle.lstatnslist(self._inner(directory), names))
        found = zip(names, statuses, strict=True)
        return {name: _status_of(status) for name, status in found if status["st_ino"] != -1}

    def _names(self, directory: str) -> list[str]:
        """The names in a directory, through a file: the library's lists fail for names that are not UTF-8."""
        with tempfile.NamedTemporaryFile() as file:
            self._ask(lambda handle: handle.ls0(self._inner(directory), file.name))
            raw = [name for name in file.read().split(b"\0") if name]
        if len(raw) > _MAX_ENTRIES:
            raise unreadable(self._what, f"a directory has more than {_MAX_ENTRIES} entries")
        decoded = (name.decode("utf-8", "ignore") for name in raw)
        return [name for name, original in zip(decoded, raw, strict=True) if name.encode() == original]

    def _read_link(self, path: str) -> str:
        def ask(handle: guestfs.GuestFS) -> str:
            try:
                return str(handle.readlink(self._place + path))
            except UnicodeDecodeError:  # the library does not give the bytes
                return _NO_UTF_8

        return self._appliance.ask(ask, self._what)

    def _ask(self, call: Callable[[guestfs.GuestFS], Any]) -> Any:
        return self._appliance.ask(call, self._what)

    def _inner(self, directory: str) -> str:
        return self._place + directory


def _status_of(found: Status) -> FileStatus:
    mode = found["st_mode"]
    return FileStatus(
        kind=_KINDS.get(mode >> 12 & 0xF, FileKind.OTHER),
        mode=mode & 0o7777,
        owner_id=found["st_uid"],
        group_id=found["st_gid"],
        size_bytes=found["st_size"],
        modified_seconds=found["st_mtime_sec"],
    )
