"""The appliance of libguestfs: a virtual machine that gets images read-only, and no network.

It takes ten seconds or more to start: it is started when it is first needed, once, and always ended.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from byoi_tools.errors import ImageMalformed, ToolFailed, ToolMissing
from byoi_tools.model.dataclass import dataclass

if TYPE_CHECKING:
    import guestfs

Value = TypeVar("Value")

LIFE_SECONDS = 600
"""How long the appliance of one image may live."""
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


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image as the appliance gets it: its path, and its format as qemu calls it."""

    path: Path
    format: str


class Appliance:
    """One appliance with these images as its disks, in their order; a context manager that ends it.

    Everything raises `ToolMissing` where the library is not installed, `ToolFailed` where the appliance does not start
    or dies, `ImageMalformed` where it cannot mount or read something.
    """

    def __init__(self, images: Sequence[ImageFile], life_seconds: float = LIFE_SECONDS) -> None:
        """It is ended `life_seconds` after its start, whatever it does."""
        self._images = tuple(images)
        self._life_seconds = life_seconds
        self._handle: guestfs.GuestFS | None = None
        self._failure: ToolFailed | None = None
        self._watchdog: threading.Timer | None = None
        self._mounted = 0

    def mount(self, device: str, options: str, what: str) -> str:
        """Mount a device; return the directory of the appliance where its files are then."""
        place = f"/mounted{self._mounted}"
        self._mounted += 1
        self.ask(lambda handle: handle.mkmountpoint(place), what)
        self.ask(lambda handle: handle.mount_options(options, device, place), what)
        return place

    def ask(self, call: Callable[[guestfs.GuestFS], Value], what: str) -> Value:
        """Return what a call of the library gives; its errors become ours, about `what`."""
        handle = self._launched()
        try:
            return call(handle)
        except UnicodeDecodeError as error:
            raise unreadable(what, "a name in it is not UTF-8") from error
        except RuntimeError as error:
            if _is_alive(handle):
                raise unreadable(what, _printable(error)) from error
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

    def __enter__(self) -> Appliance:
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
                self._handle = _launch(self._images)
            except ToolFailed as failed:
                self._failure = failed
                raise
            self._watchdog = threading.Timer(self._life_seconds, os.kill, (self._handle.get_pid(), 9))
            self._watchdog.daemon = True
            self._watchdog.start()
        return self._handle


def unreadable(what: str, why: str) -> ImageMalformed:
    """The error for something of the image that the appliance cannot read."""
    return ImageMalformed(
        f"libguestfs cannot read {what}", details=why, remedy="Check the file system in a copy of the image."
    )


def _is_alive(handle: guestfs.GuestFS) -> bool:
    """Whether the appliance still answers."""
    try:
        handle.ping_daemon()
    except RuntimeError:
        return False
    return True


def _launch(images: Sequence[ImageFile]) -> guestfs.GuestFS:
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
            for image in images:
                handle.add_drive_opts(str(image.path.absolute()), format=image.format, readonly=True)
            handle.launch()
            return handle
        except RuntimeError as error:
            failure = error
            handle.close()
    raise ToolFailed("the appliance of libguestfs does not start", details=_printable(failure), remedy=_LAUNCH)


def _printable(error: object) -> str:
    return "".join(character if character.isprintable() else " " for character in str(error)[:300])
