"""The program that reads guest file systems with the libyal libraries, in a process of its own, behind pipes.

C parsers of hostile data run here and nowhere else. Before it reads a byte of an image the process gives up whatever
it could do harm with: no new descriptors (so no file and no socket), no child, no core, 20 s of CPU, 1 GiB of memory,
no network, no privileges. The volumes come through the pipe: it asks the parent for bytes at an offset.

Started as `python -I -S -c` with a line of its own, so that it imports what it needs and nothing else, in
milliseconds: `process.py` does that, and is the parent.
"""

from __future__ import annotations

import os
import resource
import struct
import sys

import pyfsext
import pyfsxfs

from byoi_tools.tools.native.pipe import (
    ANSWER,
    BROKEN,
    CPU_SECONDS,
    EXTENT,
    MAX_FRAME_BYTES,
    PIECE,
    REFUSED,
    REQUEST,
    STATUS,
    TYPE_CHECKING,
    Blocks,
    Content,
    Pipe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

ADDRESS_SPACE_BYTES = 1024 * 1024 * 1024
REPLACEMENT = "\ufffd"
"""The target of a symlink that the library cannot tell: no file has this name."""
MAX_ATTRIBUTES = 1000
MAX_EXTENTS = 10_000
MAX_ENTRIES = 200_000
KNOWN_DIRECTORIES = 2000
QUESTIONS_BEFORE_LISTING = 3
LONGEST_NAME = 255
ENTRIES_A_PIECE = 2000
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_NOBODY = 65534


class Refused(Exception):
    """The file system is damaged, or larger than it may be."""


class Directory:
    """A directory of an open file system, which knows its names once it was asked often enough, or listed."""

    def __init__(self, volume: Any, path: str, entry: Any) -> None:
        self._volume = volume
        self._path = path
        self._entry = entry
        self._questions = 0
        self._numbers: dict[str, int] | None = None

    def find(self, name: str) -> Any | None:
        """The inode of that name; None where there is none."""
        self._questions += 1
        if self._numbers is None and self._questions > QUESTIONS_BEFORE_LISTING:
            self._numbers = {name: number for number, name in enumerate(map(_name, self._inodes())) if name}
        if self._numbers is None:
            return self._volume.get_file_entry_by_path(f"{self._path}/{name}")
        number = self._numbers.get(name)
        return None if number is None else self._entry.get_sub_file_entry(number)

    def entries(self) -> Iterator[bytes]:
        """Status, length of the name, and name of every entry, without those whose name is no UTF-8; in pieces."""
        piece = []
        for inode in self._inodes():
            piece.append(_named(inode))
            if len(piece) == ENTRIES_A_PIECE:
                yield b"".join(piece)
                piece = []
        yield b"".join(piece)

    def _inodes(self) -> Iterator[Any]:
        count = self._entry.get_number_of_sub_file_entries()
        if count > MAX_ENTRIES:
            raise Refused(f"a directory has more than {MAX_ENTRIES} entries")
        return map(self._entry.get_sub_file_entry, range(count))


class Files:
    """An open file system."""

    def __init__(self, volume: Any, opened: object) -> None:
        self._volume = volume
        self._opened = opened  # must live as long as the volume
        self._directories: dict[str, Directory | None] = {}

    def find(self, path: str) -> Any | None:
        """The inode at a path, symlinks not followed; None where there is nothing."""
        above, _, name = path.rpartition("/")
        if not name:
            return self._volume.get_root_directory()
        directory = self._directory(above)
        return None if directory is None else directory.find(name)

    def _directory(self, path: str) -> Directory | None:
        """The directory at a path without its last slash; the libraries fail when they walk through a file."""
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            here = "/".join(parts[:depth])
            if here not in self._directories:
                self._remember(here)
            if self._directories[here] is None:
                return None
        return self._directories[path]

    def _remember(self, path: str) -> None:
        if len(self._directories) >= KNOWN_DIRECTORIES:
            self._directories = {"": self._directories[""]}
        above, _, name = path.rpartition("/")
        parent = self._directories.get(above)
        entry = parent.find(name) if parent is not None else self._volume.get_file_entry_by_path(path or "/")
        is_directory = entry is not None and (entry.get_file_mode() & 0xF000) == 0x4000
        self._directories[path] = Directory(self._volume, path, entry) if is_directory else None

    def status(self, path: str) -> Iterator[bytes]:
        """The status, or nothing."""
        entry = self.find(path)
        if entry is not None:
            yield _status(entry)

    def entries(self, path: str) -> Iterator[bytes]:
        """The entries of a directory, or nothing."""
        directory = self._directory(path.rstrip("/"))
        return iter(()) if directory is None else directory.entries()

    def read(self, path: str, limit: int) -> Iterator[bytes]:
        """One byte that says whether a file is there, then its content."""
        entry = self.find(path)
        if entry is None or (entry.get_file_mode() & 0xF000) != 0x8000:
            return
        yield b"\1"
        left = min(limit, entry.get_size())
        while left > 0:
            piece = entry.read(min(left, MAX_FRAME_BYTES))
            if not piece:
                raise Refused("a file ends before its size")
            yield piece
            left -= len(piece)

    def extents(self, path: str) -> Iterator[bytes]:
        """The size of a file, then where its content lies on the volume: offset, length and flags of each extent."""
        entry = self.find(path)
        if entry is None or (entry.get_file_mode() & 0xF000) != 0x8000:
            return
        yield struct.pack(">Q", entry.get_size())
        count = min(entry.get_number_of_extents(), MAX_EXTENTS)
        yield b"".join(EXTENT.pack(*entry.get_extent(index)) for index in range(count))

    def read_link(self, path: str) -> Iterator[bytes]:
        """One byte that says whether a symlink is there, then its target, or a replacement for one that is no UTF-8."""
        entry = self.find(path)
        if entry is not None and (entry.get_file_mode() & 0xF000) == 0xA000:
            yield b"\1" + (_text(entry.get_symbolic_link_target) or REPLACEMENT).encode()

    def attributes(self, path: str) -> Iterator[bytes]:
        """The names of the extended attributes, each with a NUL behind it."""
        entry = self.find(path)
        if entry is not None:
            count = min(entry.get_number_of_extended_attributes(), MAX_ATTRIBUTES)
            yield b"".join((entry.get_extended_attribute(i).get_name() or "").encode() + b"\0" for i in range(count))


def _status(entry: Any) -> bytes:
    mode = entry.get_file_mode()
    seconds = (entry.get_modification_time_as_integer() or 0) // 1_000_000_000
    owner, group = entry.get_owner_identifier() or 0, entry.get_group_identifier() or 0
    return STATUS.pack(mode & 0xFFFF, owner & 0xFFFFFFFF, group & 0xFFFFFFFF, entry.get_size() or 0, seconds)


def _text(get: Callable[[], str | None]) -> str | None:
    """What the library tells; None for a text that is no UTF-8, which it cannot tell."""
    try:
        return get()
    except OSError as error:
        if "libuna_" in str(error):  # the part of it that decodes texts
            return None
        raise


def _named(entry: Any) -> bytes:
    name = _name(entry).encode()
    return _status(entry) + struct.pack(">H", len(name)) + name if name else b""


def _name(entry: Any) -> str:
    """The name in its directory; empty for one that no path can have."""
    name = _text(entry.get_name) or ""
    return "" if "/" in name or len(name) > LONGEST_NAME else name


class Server:
    """Answers requests until the parent closes the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._blocks = Blocks(pipe)
        self._files: list[Files] = []

    def run(self) -> None:
        """Serve forever."""
        while True:
            kind, content = self._pipe.receive()
            if kind != REQUEST:
                raise SystemExit(2)
            try:
                for piece in self._answer(content):
                    self._pipe.send(PIECE, piece)
                self._pipe.send(ANSWER)
            except (Refused, OSError, ValueError, OverflowError, TypeError, struct.error) as refused:
                self._pipe.send(REFUSED, str(refused).encode("utf-8", "replace")[:2000])
            except MemoryError:
                self._pipe.send(BROKEN, b"it ran out of memory")
                raise SystemExit(3) from None

    def _answer(self, content: bytes) -> Iterator[bytes]:
        name, _, rest = content.partition(b"\0")
        if name == b"open":
            is_xfs, source, size = struct.unpack(">BIQ", rest)
            return self._open(bool(is_xfs), Content(self._blocks, source, size))
        number, limit = struct.unpack_from(">IQ", rest)
        files: Files = self._files[number]
        path = rest[12:].decode()
        if name == b"status":
            return files.status(path)
        if name == b"entries":
            return files.entries(path)
        if name == b"extents":
            return files.extents(path)
        if name == b"attributes":
            return files.attributes(path)
        return files.read(path, limit) if name == b"read" else files.read_link(path)

    def _open(self, is_xfs: bool, content: Content) -> Iterator[bytes]:
        """Open a file system; the answer is its number."""
        volume = pyfsxfs.volume() if is_xfs else pyfsext.volume()
        volume.open_file_object(content)
        self._files.append(Files(volume, content))
        yield struct.pack(">I", len(self._files) - 1)


def give_up_rights() -> None:
    """Drop what the process does not need; what the system does not permit to drop stays, the limits hold always."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET):
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    for limit, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        _, hard = resource.getrlimit(limit)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)  # nobody may raise it again
        resource.setrlimit(limit, (bound, bound))


def main() -> None:
    """Serve the parent at the ends of standard input and output until it closes them."""
    give_up_rights()
    Server(Pipe(sys.stdin.buffer, sys.stdout.buffer)).run()
