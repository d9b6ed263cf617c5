"""The door to ext2, ext3, ext4, XFS and LVM2: the libyal libraries, in a child process behind a pipe."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from byoi_tools.errors import ImageMalformed, ToolFailed
from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus
from byoi_tools.tools.native_pipe import GROUP_MEMBER, STATUS
from byoi_tools.tools.native_process import ByteSource, NativeProcess, Refusal

FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs")
"""What it reads, as `blkid` calls it."""
_KINDS = {0x8: FileKind.FILE, 0x4: FileKind.DIRECTORY, 0xA: FileKind.SYMLINK}
_REMEDY = "Repair it (e2fsck -f, xfs_repair) in a copy of the image, or build the image again."
_LOGICAL = struct.Struct(">IQHHH")
_MAX_PREAD_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GroupMember:
    """An LVM physical volume: where it is on the disk, in bytes, and its UUID."""

    start_bytes: int
    size_bytes: int
    uuid: str


class LogicalVolume:
    """A logical volume, to read its bytes from: a byte source.

    `group` and `name` are hostile texts. `problem` says why the group cannot be read; then the name is empty, the size
    0, and `number` how many of its physical volumes are missing.
    """

    def __init__(self, process: NativeProcess, number: int, size_bytes: int, texts: tuple[str, str, str]) -> None:
        self._process = process
        self.number = number
        self.size_bytes = size_bytes
        self.group, self.name, self.problem = texts

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the volume."""
        length = min(length, self.size_bytes - offset)
        if offset < 0 or length <= 0:
            return b""
        starts = range(offset, offset + length, _MAX_PREAD_BYTES)
        return b"".join(self._piece(start, min(_MAX_PREAD_BYTES, offset + length - start)) for start in starts)

    def _piece(self, offset: int, length: int) -> bytes:
        pieces = self._process.ask("pread-logical", struct.pack(">IQI", self.number, offset, length))
        return _complete(pieces, f"the logical volume {self.group}/{self.name}")


class NativeDisk:
    """The readers of one virtual disk; a context manager that ends their process, which starts with the first of them.

    Raises `ToolMissing` where the libraries are not installed, `ToolFailed` where the process died or ran out of its
    time or memory, and ever after; `ImageMalformed` where a library refuses what it reads.
    """

    def __init__(self, source: ByteSource) -> None:
        self._process = NativeProcess(source)

    def open_part(self, file_system: str, start_bytes: int, size_bytes: int) -> NativeFiles:
        """Return the reader of one of `FILE_SYSTEMS` that lies in a part of the disk."""
        request = struct.pack(">BQQ", file_system == "xfs", start_bytes, size_bytes)
        return self._opened(file_system, "open", request)

    def open_logical_volume(self, file_system: str, volume: LogicalVolume) -> NativeFiles:
        """Return the reader of one of `FILE_SYSTEMS` on a logical volume."""
        return self._opened(file_system, "open-logical", struct.pack(">BI", file_system == "xfs", volume.number))

    def logical_volumes(self, members: tuple[GroupMember, ...]) -> tuple[LogicalVolume, ...]:
        """Return the logical volumes of all groups that these physical volumes make up."""
        request = b"".join(GROUP_MEMBER.pack(m.start_bytes, m.size_bytes, m.uuid.encode()[:40]) for m in members)
        pieces = list(_answers(self._process.ask("groups", request), "LVM metadata"))
        return tuple(self._logical_volume(piece) for piece in pieces)

    def close(self) -> None:
        """End the process."""
        self._process.end()

    def __enter__(self) -> NativeDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self, file_system: str, name: str, request: bytes) -> NativeFiles:
        what = f"the {file_system} file system"
        answer = _complete(self._process.ask(name, request), what)
        return NativeFiles(self._process, int.from_bytes(answer, "big"), what)

    def _logical_volume(self, piece: bytes) -> LogicalVolume:
        number, size_bytes, *lengths = _unpack(_LOGICAL, piece, 0, "LVM metadata")
        texts, start = [], _LOGICAL.size
        for length in lengths:
            texts.append(piece[start : start + length].decode("utf-8", "replace"))
            start += length
        return LogicalVolume(self._process, number, size_bytes, (texts[0], texts[1], texts[2]))


class NativeFiles:
    """A `FileReader` of one file system. Names and targets of links that are not UTF-8 are left out."""

    def __init__(self, process: NativeProcess, number: int, what: str) -> None:
        self._process = process
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
        content = _complete(self._ask("read", path, limit_bytes), f"{path} on {self._what}")
        return content[1 : 1 + limit_bytes] if content else None

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
    return b"".join(_answers(pieces, what))


def _answers(pieces: Iterator[bytes], what: str) -> Iterator[bytes]:
    try:
        yield from pieces
    except Refusal as refusal:
        raise ImageMalformed(f"{what} cannot be read", details=refusal.reason, remedy=_REMEDY) from refusal
