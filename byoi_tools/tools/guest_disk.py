"""The door to libguestfs: an appliance that mounts what the native readers do not read (btrfs, RAID, and the rest).

It is a virtual machine, and takes ten seconds or more to start: it is started when it is first needed, once for each
image, and always ended. It gets the image read-only, with its format given, and no network.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from byoi_tools.errors import ImageMalformed, ToolFailed, ToolMissing
from byoi_tools.model.guest.files import FileKind, FileStatus, NamedStatus
from byoi_tools.model.quoting import quote

if TYPE_CHECKING:
    import guestfs

Value = TypeVar("Value")
Status = dict[str, int]

LIFE_SECONDS = 600
"""How long one appliance may live."""
_MAX_ENTRIES = 200_000
_IN_ONE_MESSAGE = 1024 * 1024
_NOT_THERE = (": No such file or directory", ": Not a directory")
_KINDS = {0x8: FileKind.FILE, 0x4: FileKind.DIRECTORY, 0xA: FileKind.SYMLINK}
_INSTALL = "Install it: apt-get install python3-guestfs (python3-libguestfs on Fedora)."
_LAUNCH = "See what `libguestfs-test-tool` says; --reader native does without it."


def is_guestfs_installed() -> bool:
    """Whether the library can be imported; without importing it."""
    from importlib.util import find_spec

    return find_spec("guestfs") is not None


def require_guestfs() -> None:
    """Raise `ToolMissing` where the library is not installed."""
    if not is_guestfs_installed():
        raise ToolMissing("libguestfs is not installed", remedy=_INSTALL)


class GuestDisk:
    """The appliance of one image; a context manager that ends it.

    `image_format` is what qemu calls the format. Everything raises `ToolMissing` where the library is not installed,
    `ToolFailed` where the appliance does not start or dies, `ImageMalformed` where it cannot mount or read something.
    """

    def __init__(self, path: Path, image_format: str) -> None:
        self._path = path
        self._format = image_format
        self._handle: guestfs.GuestFS | None = None
        self._failure: ToolFailed | None = None
        self._watchdog: threading.Timer | None = None
        self._mounted = 0

    def open(self, device: str, subvolume: str = "") -> GuestfsFiles:
        """Mount a device of the appliance (`/dev/sda3`, `/dev/vg0/root`) read-only and return its reader."""
        handle = self._launched()
        place = f"/mounted{self._mounted}"
        self._mounted += 1
        options = f"ro,subvol={subvolume}" if subvolume else "ro"
        what = f"{quote(device)}, subvolume {quote(subvolume)}" if subvolume else quote(device)
        if "," in subvolume:  # it would be another option of mount
            raise _unreadable(what, "its name has a comma")
        self.ask(lambda: handle.mkmountpoint(place), what)
        self.ask(lambda: handle.mount_options(options, device, place), what)
        return GuestfsFiles(self, handle, place, what)

    def subvolumes(self, device: str) -> tuple[str, ...]:
        """The paths of the subvolumes of a btrfs that can be mounted by them, in the order of their making."""
        handle = self._launched()
        listed: list[dict[str, str]] = self.ask(lambda: handle.btrfs_subvolume_list(device), quote(device))
        return tuple(path for path in (entry["btrfssubvolume_path"] for entry in listed) if "," not in path)

    def ask(self, call: Callable[[], Value], what: str) -> Value:
        """Return what a call of the library gives; its errors become ours."""
        try:
            return call()
        except UnicodeDecodeError as error:
            raise _unreadable(what, "a name in it is not UTF-8") from error
        except RuntimeError as error:
            if self._is_alive():
                raise _unreadable(what, _printable(error)) from error
            self._failure = ToolFailed(
                "the appliance of libguestfs ended, or took too long", details=_printable(error), remedy=_LAUNCH
            )
            raise self._failure from error

    def close(self) -> None:
        """End the appliance."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._handle is not None:
            with suppress(RuntimeError):
                self._handle.shutdown()
            self._handle.close()
            self._handle = None

    def __enter__(self) -> GuestDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _launched(self) -> guestfs.GuestFS:
        if self._failure is not None:
            raise self._failure
        if self._handle is None:
            try:
                self._handle = _launch(self._path, self._format)
            except ToolFailed as failed:
                self._failure = failed
                raise
            self._watchdog = threading.Timer(LIFE_SECONDS, os.kill, (self._handle.get_pid(), 9))
            self._watchdog.daemon = True
            self._watchdog.start()
        return self._handle

    def _is_alive(self) -> bool:
        """Whether the appliance still answers."""
        try:
            return self._handle is not None and bool(self._handle.ping_daemon() or True)
        except RuntimeError:
            return False


class GuestfsFiles:
    """A `FileReader` of a mounted file system. Names that are not UTF-8 are left out."""

    def __init__(self, disk: GuestDisk, handle: guestfs.GuestFS, place: str, what: str) -> None:
        self._disk = disk
        self._handle = handle
        self._place = place
        self._what = what

    def status(self, path: str) -> FileStatus | None:
        """The status of the inode at a path, symlinks not followed; None where there is nothing."""
        found = self._status(path)
        return None if found is None else _status_of(found)

    def entries(self, path: str) -> tuple[NamedStatus, ...]:
        """The entries of a directory without `.` and `..`; empty where there is no directory."""
        status = self.status(path)
        if status is None or status.kind is not FileKind.DIRECTORY:
            return ()
        names = self._names(path)
        statuses: list[Status] = self._ask(lambda: self._handle.lstatnslist(self._inner(path), names))
        return tuple(
            NamedStatus(name, _status_of(found))
            for name, found in zip(names, statuses, strict=True)
            if found["st_ino"] != -1
        )

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        """The content of a regular file, its first `limit_bytes`; None where there is no regular file."""
        status = self.status(path)
        if status is None or status.kind is not FileKind.FILE:
            return None
        size = min(limit_bytes, status.size_bytes)
        if size == 0:
            return b""
        if size <= _IN_ONE_MESSAGE:
            content: bytes = self._ask(lambda: self._handle.pread(self._inner(path), size, 0))
            return content
        with tempfile.NamedTemporaryFile() as file:
            self._ask(lambda: self._handle.download_offset(self._inner(path), file.name, 0, size))
            return file.read()

    def read_link(self, path: str) -> str | None:
        """The target of a symlink; None where there is no symlink."""
        status = self.status(path)
        if status is None or status.kind is not FileKind.SYMLINK:
            return None
        target: str = self._ask(lambda: self._handle.readlink(self._inner(path)))
        return target

    def attributes(self, path: str) -> frozenset[str]:
        """The names of the extended attributes of the inode at a path; empty where there are none."""
        if self.status(path) is None:
            return frozenset()
        listed: list[dict[str, str]] = self._ask(lambda: self._handle.lgetxattrs(self._inner(path)))
        return frozenset(entry["attrname"] for entry in listed)

    def _status(self, path: str) -> Status | None:
        try:
            found: Status = self._handle.lstatns(self._inner(path))
        except RuntimeError as error:
            if str(error).endswith(_NOT_THERE):  # the binding does not give the number
                return None
            found = self._ask(lambda: self._handle.lstatns(self._inner(path)))
        except UnicodeEncodeError:  # a name that the library could not have given
            return None
        return found

    def _names(self, path: str) -> list[str]:
        """The names in a directory, through a file: the library's lists fail for names that are not UTF-8."""
        with tempfile.NamedTemporaryFile() as file:
            self._ask(lambda: self._handle.ls0(self._inner(path), file.name))
            raw = [name for name in file.read().split(b"\0") if name]
        if len(raw) > _MAX_ENTRIES:
            raise _unreadable(self._what, f"a directory has more than {_MAX_ENTRIES} entries")
        decoded = (name.decode("utf-8", "ignore") for name in raw)
        return [name for name, original in zip(decoded, raw, strict=True) if name.encode() == original]

    def _ask(self, call: Callable[[], Any]) -> Any:
        return self._disk.ask(call, self._what)

    def _inner(self, path: str) -> str:
        return self._place + path


def _launch(path: Path, image_format: str) -> guestfs.GuestFS:
    """Start the appliance; where the machine's KVM does not work, though it may look so, without it."""
    try:
        import guestfs
    except ImportError as missing:
        raise ToolMissing("libguestfs is not installed", details=str(missing), remedy=_INSTALL) from missing
    failure: RuntimeError | None = None
    for settings in (None, "force_tcg") if os.access("/dev/kvm", os.R_OK | os.W_OK) else ("force_tcg",):
        handle = guestfs.GuestFS(python_return_dict=True)
        try:
            handle.set_backend("direct")
            if settings:
                handle.set_backend_settings([settings])
            handle.set_network(False)
            handle.add_drive_opts(str(path.absolute()), format=image_format, readonly=True)
            handle.launch()
            return handle
        except RuntimeError as error:
            failure = error
            handle.close()
    raise ToolFailed("the appliance of libguestfs does not start", details=_printable(failure), remedy=_LAUNCH)


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


def _unreadable(what: str, why: str) -> ImageMalformed:
    return ImageMalformed(
        f"libguestfs cannot read {what}", details=why, remedy="Check the file system in a copy of the image."
    )


def _printable(error: object) -> str:
    return "".join(character if character.isprintable() else " " for character in str(error)[:300])
