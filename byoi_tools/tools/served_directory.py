"""The door to a directory that a web server serves: files appear in it whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from byoi_tools.errors import NoSpace, StorageError
from byoi_tools.tools.image_file import ImageFile, open_image

_READABLE = 0o644  # by the web server, which runs as another user
_STEP_BYTES = 64 * 2**20
_BLOCK_BYTES = 4 * 2**20
_MAKE_ROOM = "Free some space there, or name another directory with --to."
_FICLONE = 0x40049409  # ioctl_ficlone(2)
# copy_file_range(2): another file system, before Linux 5.19; file systems and containers that do not have the call.
_NO_KERNEL_COPY = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM)


@dataclass(frozen=True, slots=True, order=True)
class ListedFile:
    """A regular file in a directory; `modified` is in UTC."""

    name: str
    size_bytes: int
    modified: datetime


class ServedDirectory:
    """Puts files into an existing directory; raises `StorageError` for whatever the file system refuses.

    A file is written under a name of its own (`.NAME.part`), which its owner alone may read; is flushed to the disk;
    and then takes its name, and the place of what had it. What a killed run left under that name is overwritten by the
    next run, and removed when a run fails.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def size_of(self, name: str) -> int | None:
        """The size of the regular file with that name, or None when there is none."""
        try:
            status = (self._path / name).stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def copy(self, source: Path, name: str, on_bytes: Callable[[int], None], approve: Callable[[], None]) -> None:
        """Copy a file; blocks are shared where the file system can, else holes stay holes and there must be room.

        `on_bytes` is told up to where it is copied; `approve` is called before the copy gets its name, and raises when
        it shall not. Raises `NoSpace`, and `ImageUnreadable` when the source cannot be read.
        """
        with _translated(self._path, name), open_image(source) as image, self._part(name) as part:
            if not _is_cloned(image, part):
                _require_space(self._path, name, image.allocated_bytes)
                os.ftruncate(part, image.size_bytes)
                for offset, length in image.data_ranges():
                    _copy_range(image, part, offset, offset + length, on_bytes)
            approve()

    def adopt(self, source: Path, name: str) -> bool:
        """Give a file that nobody writes any more a second name here; False where another file system has it."""
        linked = self._path / f".{name}.{secrets.token_hex(4)}.part"
        with _translated(self._path, name):
            try:
                os.link(source, linked)
            except OSError:
                return False
            try:
                linked.chmod(_READABLE)
                _flush(linked)
                linked.replace(self._path / name)
            finally:
                linked.unlink(missing_ok=True)  # nothing is there after the renaming, unless both were one file before
            _flush(self._path)
        return True

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        with _translated(self._path, name), self._part(name) as part:
            os.ftruncate(part, 0)
            written = os.pwrite(part, content, 0)
            if written < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def files(self) -> Iterator[ListedFile]:
        """Yield the regular files in the directory itself, in no order; links are passed over."""
        with _translated(self._path, "", "read"), os.scandir(self._path) as found:
            for each in found:
                with suppress(FileNotFoundError):
                    if each.is_file(follow_symlinks=False):
                        status = each.stat(follow_symlinks=False)
                        yield ListedFile(each.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def touch(self, name: str) -> None:
        """Make a file as young as if it was written now."""
        with _translated(self._path, name):
            os.utime(self._path / name, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file; it is no error when there is none."""
        with _translated(self._path, name, "removed"):
            (self._path / name).unlink(missing_ok=True)

    def remove_abandoned(self, name: str) -> bool:
        """Remove a file that a run has left half written; False when a run is writing it."""
        path = self._path / name
        with _translated(self._path, name, "removed"):
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return True
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with suppress(FileNotFoundError):  # the run has given it its name between the opening and the lock
                    if path.stat().st_ino == os.fstat(descriptor).st_ino:
                        path.unlink()
            except BlockingIOError:
                return False
            finally:
                os.close(descriptor)
        return True

    def read(self, name: str, maximum_bytes: int) -> bytes | None:
        """The beginning of a small file, or None when there is none that can be read."""
        try:
            with (self._path / name).open("rb") as file:
                return file.read(maximum_bytes)
        except OSError:
            return None

    @contextmanager
    def _part(self, name: str) -> Iterator[int]:
        path = self._path / f".{name}.part"
        descriptor = _claim(path)
        try:
            yield descriptor
            os.fchmod(descriptor, _READABLE)
            os.fsync(descriptor)
            path.replace(self._path / name)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        finally:
            os.close(descriptor)
        _flush(self._path)


def _claim(path: Path) -> int:
    """Open the file, new or left by a run that was killed, for this process alone."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):  # another run has renamed it between the opening and the lock
                if path.stat().st_ino == os.fstat(descriptor).st_ino:
                    os.ftruncate(descriptor, 0)
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_cloned(image: ImageFile, part: int) -> bool:
    """Share the blocks of the whole file: btrfs, XFS and some others can."""
    try:
        fcntl.ioctl(part, _FICLONE, image.fileno())
    except OSError:
        return False
    return True


def _require_space(directory: Path, name: str, needed_bytes: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed_bytes:
        details = f"{needed_bytes} bytes are needed, {free} are free"
        raise NoSpace(f"{directory / name} cannot be written", details=details, remedy=_MAKE_ROOM)


def _copy_range(image: ImageFile, part: int, offset: int, end: int, on_bytes: Callable[[int], None]) -> None:
    while offset < end:
        try:
            copied = os.copy_file_range(image.fileno(), part, min(end - offset, _STEP_BYTES), offset, offset)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
            copied = 0
        if copied == 0:  # also what some file systems say instead of an error
            block = image.read_at(offset, min(end - offset, _BLOCK_BYTES))
            if not block:
                return  # the source became shorter, which its watcher will see
            copied = os.pwrite(part, block, offset)
        offset += copied
        on_bytes(offset)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(directory: Path, name: str, verb: str = "written") -> Iterator[None]:
    try:
        yield
    except BlockingIOError as held:
        raise StorageError(
            f"another run is writing {directory / name}", remedy="Wait until it is done, and publish again."
        ) from held
    except OSError as error:
        what_failed = f"{directory / name} cannot be {verb}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(what_failed, details=error.strerror, remedy=_MAKE_ROOM) from error
        remedy = "Give this user the right to write in the directory."
        raise StorageError(what_failed, details=error.strerror, remedy=remedy) from error
