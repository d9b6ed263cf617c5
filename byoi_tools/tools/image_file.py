"""The door to image files: opens a regular file for reading, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import ImageUnreadable
from byoi_tools.model.dataclass import dataclass

_KINDS = (
    (stat.S_ISDIR, "is a directory", "Name the image file in it."),
    (stat.S_ISFIFO, "is a FIFO", "Write what comes through it to a file first: cat {path} > image.raw"),
    (stat.S_ISSOCK, "is a socket", "Name an image file."),
    (stat.S_ISBLK, "is a block device", "Copy it to a file first: dd if={path} of=image.raw bs=4M conv=sparse"),
    (stat.S_ISCHR, "is a character device", "Name an image file."),
)
_REASONS = {
    errno.ENOENT: ("there is no file {path}", "Check the path."),
    errno.EACCES: ("{path} may not be read by this user", "Give read permission (chmod, chown), or use another user."),
}


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file it was and in what state; two equal identities mean that nobody exchanged or changed it."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int


class ImageFile:
    """An open image file: a `ByteSource` and a context manager that closes it.

    `allocated_bytes` is what the file occupies on its file system, `identity` its state when it was opened. Reading
    raises `ImageUnreadable` when the storage fails.
    """

    def __init__(self, path: Path, descriptor: int, status: os.stat_result) -> None:
        self._path = path
        self._descriptor = descriptor
        self.allocated_bytes = status.st_blocks * 512
        self.identity = FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    @property
    def size_bytes(self) -> int:
        """The size when it was opened."""
        return self.identity.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the file."""
        length = min(length, self.size_bytes - offset)
        if offset < 0 or length <= 0:
            return b""
        try:
            content = os.pread(self._descriptor, length, offset)
            while len(content) < length:  # one call returns at most 2 GiB, and less when interrupted
                more = os.pread(self._descriptor, length - len(content), offset + len(content))
                if not more:
                    break
                content += more
        except OSError as error:
            raise _unreadable(self._path, error) from error
        return content

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of what the file system has blocks for; between them the file reads as zeros."""
        end = 0
        while end < self.size_bytes:
            try:
                start = os.lseek(self._descriptor, end, os.SEEK_DATA)
                end = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:  # only a hole is left
                    return
                start, end = end, self.size_bytes  # the file system cannot tell: all of it may be data
            yield start, min(end, self.size_bytes) - start

    def fileno(self) -> int:
        """The descriptor, for calls that take one; it stays this file's."""
        return self._descriptor

    def close(self) -> None:
        """Close the file; reading is over."""
        os.close(self._descriptor)

    def __enter__(self) -> ImageFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_image(path: Path) -> ImageFile:
    """Open a regular file that is not empty; symbolic links are followed.

    Raises `ImageUnreadable` for anything else. A device is not even opened, because that alone can do something
    (rewind a tape, start a watchdog); what was opened is looked at again, so that an exchange in between gains
    nothing, and a FIFO never blocks.
    """
    try:
        _refuse_special(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        status = os.fstat(descriptor)
        _refuse_special(path, status)
        if status.st_size == 0:
            raise ImageUnreadable(f"{path} is empty", remedy="Build or download the image again.")
        return ImageFile(path, descriptor, status)
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_special(path: Path, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    for is_kind, what, remedy in _KINDS:
        if is_kind(status.st_mode):
            raise ImageUnreadable(f"{path} {what}, not an image file", remedy=remedy.format(path=path))
    raise ImageUnreadable(f"{path} is not a regular file", remedy="Name an image file.")


def _unreadable(path: Path, error: OSError | ValueError) -> ImageUnreadable:
    number = error.errno if isinstance(error, OSError) else None
    message, remedy = _REASONS.get(number or 0, ("{path} cannot be read", "Check the path and the disk it is on."))
    details = error.strerror if isinstance(error, OSError) else str(error)
    return ImageUnreadable(message.format(path=path), details=details, remedy=remedy)
