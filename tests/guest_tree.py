"""A guest's files from a dictionary, for tests of what is read out of them; real file systems are tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus


class Link(str):
    """The target of a symlink."""


class DictionaryReader:
    """A `FileReader` of files given as `{"/etc/fstab": "text", "/bin": Link("usr/bin"), "/empty/": b""}`.

    A path that ends in a slash is a directory; parents exist by themselves. `modes` replaces the mode of a path.
    """

    tells_names_exactly = True

    def __init__(self, files: Mapping[str, str | bytes | Link], modes: Mapping[str, int] | None = None) -> None:
        self._files = {path.rstrip("/"): content for path, content in files.items() if not path.endswith("/")}
        self._modes = dict(modes or {})
        self._directories = {"/"}
        for path in files:
            parts = path.strip("/").split("/")
            last = len(parts) + (1 if path.endswith("/") else 0)
            self._directories |= {"/" + "/".join(parts[:depth]) for depth in range(1, last)}

    def status(self, path: str) -> FileStatus | None:
        if path in self._directories:
            return FileStatus(FileKind.DIRECTORY, self._modes.get(path, 0o755), 0, 0, 0, 0)
        content = self._files.get(path)
        if content is None:
            return None
        kind = FileKind.SYMLINK if isinstance(content, Link) else FileKind.FILE
        return FileStatus(kind, self._modes.get(path, 0o644), 0, 0, len(_encode(content)), 0)

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        prefix = path.rstrip("/") + "/"
        names = {
            known[len(prefix) :].split("/")[0]
            for known in [*self._files, *self._directories]
            if known.startswith(prefix)
        }
        found = [(name, self.status(prefix + name)) for name in sorted(names) if name]
        return tuple(NamedStatus(name, status) for name, status in found if status is not None)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        content = self._files.get(path)
        return None if content is None or isinstance(content, Link) else _encode(content)[:limit_bytes]

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        content = self.read(path, limit_bytes)
        return None if content is None else iter((content,))

    def read_link(self, path: str) -> str | None:
        content = self._files.get(path)
        return str(content) if isinstance(content, Link) else None

    def attributes(self, path: str) -> frozenset[str]:
        return frozenset()


def tree_of(files: Mapping[str, str | bytes | Link], modes: Mapping[str, int] | None = None) -> GuestTree:
    """Return a tree whose root holds these files."""
    return GuestTree({"/": DictionaryReader(files, modes)})


def _encode(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()
