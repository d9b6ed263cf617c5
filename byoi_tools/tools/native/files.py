"""The door to ext2, ext3, ext4 and XFS: the libyal libraries, in a child process behind a pipe."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from byoi_tools.errors import ImageMalformed, ToolFailed
from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus
from byoi_tools.model.quoting import quote
from byoi_tools.tools.native.pipe import EXTENT, STATUS
from byoi_tools.tools.native.process import ByteSource, NativeProcess, Refusal

FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs")
"""What it reads, as `blkid` calls it."""
_KINDS = {0x8: FileKind.FILE, 0x4: FileKind.DIRECTORY, 0xA: FileKind.SYMLINK}
_SMALL_BYTES = 1024 * 1024
_PIECE_BYTES = 512 * 1024
_REMEDY = "Repair it (e2fsck -f, xfs_repair) in a copy of the image, or build the image again."


class NativeReaders:
    """The readers of one image's volumes; a context manager that ends their process, which starts with the first.

    They raise `ToolMissing` where the libraries are not installed, `ToolFailed` where the process died or ran out of
    its time or memory, and ever after; `ImageMalformed` where a library refuses what it reads.
    """

    def __init__(self) -> None:
        self._process = NativeProcess()

    def open(self, file_system: str, source: ByteSource) -> NativeFiles:
        """Return the reader of a volume that holds one of `FILE_SYSTEMS`."""
        what = f"the {file_system} file system"
        request = struct.pack(">BIQ", file_system == "xfs", self._process.register(source), source.size_bytes)
        answer = _complete(self._process.ask("open", request), what)
        # libfsxfs 20260901 tells wrong places for what is not in the first allocation group, though it reads it right
        has_plain_extents = file_system != "xfs"
        return NativeFiles(self._process, source if has_plain_extents else None, int.from_bytes(answer, "big"), what)

    def __enter__(self) -> NativeReaders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.end()


class NativeFiles:
    """A `FileReader` of one file system. Names that are not UTF-8 are left out, such targets of links replaced."""

    tells_names_exactly = True

    def __init__(self, process: NativeProcess, source: ByteSource | None, number: int, what: str) -> None:
        """`source` is the volume where a large file may be read from it directly, else None."""
        self._process = process
        self._source = source
        self._number = number
        self._what = what

    def status(self, path: str) -> FileStatus | None:
        """The status of the inode at a path, symlinks not followed; None where there is nothing."""
        content = _complete(self._ask("status", path), self._what)
        return _status(content, 0, self._what) if content else None

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory without `.` and `..`; empty where there is no directory."""
        return tuple(self._entries(_complete(self._ask("entries", path), self._what)))

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a regular file, its first `limit_bytes`; None where there is no regular file."""
        pieces = self.pieces(path, limit_bytes)
        return None if pieces is None else b"".join(pieces)

    def pieces(self, path: str, limit_bytes: int) -> Iterator[bytes] | None:
        """The content of a regular file, its first `limit_bytes`, as it comes; None where there is no regular file."""
        if limit_bytes > _SMALL_BYTES and self._source is not None:
            places = self._find_places(self._source, path, limit_bytes)
            if places:
                return _read_directly(self._source, places)
        answer = _told(self._ask("read", path, limit_bytes), f"{quote(path)} on {self._what}")
        return None if next(answer, None) is None else _at_most(limit_bytes, answer)

    def _find_places(self, source: ByteSource, path: str, limit_bytes: int) -> list[tuple[int, int]]:
        """Where a large file lies on the volume, in pieces (offset, length); nothing where it does not lie plainly."""
        answer = _complete(self._ask("extents", path), self._what)
        size = min(int.from_bytes(answer[:8], "big"), limit_bytes)
        places = list(_places(answer[8:], size))
        is_whole = sum(length for _, length in places) == size > _SMALL_BYTES
        return places if is_whole and all(sum(place) <= source.size_bytes for place in places) else []

    def read_link(self, path: str) -> str | None:
        """The target of a symlink; None where there is no symlink."""
        content = _complete(self._ask("readlink", path), self._what)
        return content[1:].decode("utf-8", "replace") if content else None

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes of the inode at a path; empty where there are none."""
        content = _complete(self._ask("attributes", path), self._what)
        return frozenset(content.decode("utf-8", "replace").split("\0")) - {""}

    def _ask(self, name: str, path: str, limit_bytes: int = 0) -> Iterator[bytes]:
        try:
            encoded = path.encode()
        except UnicodeEncodeError:  # a name that the libraries could not have given
            return iter(())
        return self._process.ask(name, struct.pack(">IQ", self._number, limit_bytes) + encoded)

    def _entries(self, content: bytes) -> Iterator[NamedStatus]:
        start = 0
        while start < len(content):
            status = _status(content, start, self._what)
            start += STATUS.size
            length = int.from_bytes(content[start : start + 2], "big")
            yield NamedStatus(content[start + 2 : start + 2 + length].decode("utf-8", "replace"), status)
            start += 2 + length


def _read_directly(source: ByteSource, places: list[tuple[int, int]]) -> Iterator[bytes]:
    """A large file's content without the way through the pipe."""
    with ThreadPoolExecutor(2, thread_name_prefix="extents") as pool:
        yield from pool.map(lambda place: source.read_at(*place), places)


def _places(extents: bytes, size: int) -> Iterator[tuple[int, int]]:
    """Where a file of that size lies, in pieces (offset, length); ends early where it is not plain data."""
    for offset, length, flags in EXTENT.iter_unpack(extents[: len(extents) // EXTENT.size * EXTENT.size]):
        if flags or size <= 0:
            return
        length = min(length, size)
        for start in range(0, length, _PIECE_BYTES):
            yield offset + start, min(_PIECE_BYTES, length - start)
        size -= length


def _status(content: bytes, start: int, what: str) -> FileStatus:
    mode, owner, group, size_bytes, seconds = _unpack(STATUS, content, start, what)
    return FileStatus(_KINDS.get(mode >> 12, FileKind.OTHER), mode & 0o7777, owner, group, size_bytes, seconds)


def _unpack(layout: struct.Struct, content: bytes, start: int, what: str) -> tuple[int, ...]:
    try:
        numbers: tuple[int, ...] = layout.unpack_from(content, start)
    except struct.error as error:
        raise ToolFailed(
            f"the reader of guest file systems answered nonsense about {what}",
            details=str(error),
            remedy="Do not trust this image; it may have taken the reader over. The reader has no rights to do harm.",
        ) from error
    return numbers


def _complete(pieces: Iterator[bytes], what: str) -> bytes:
    return b"".join(_told(pieces, what))


def _told(pieces: Iterator[bytes], what: str) -> Iterator[bytes]:
    """The pieces of an answer; a refusal is an error that names what was read."""
    try:
        yield from pieces
    except Refusal as refusal:
        raise ImageMalformed(f"{what} cannot be read", details=refusal.reason, remedy=_REMEDY) from refusal


def _at_most(limit_bytes: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """No more than was asked for; but all is taken."""
    for piece in pieces:
        if limit_bytes > 0:
            yield piece[:limit_bytes]
        limit_bytes -= len(piece)
