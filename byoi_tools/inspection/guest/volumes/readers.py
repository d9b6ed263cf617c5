"""Chooses who reads a file system: our own FAT reader, the native readers, or guestfs where these do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType

from byoi_tools.formats.source import ByteSource
from byoi_tools.inspection.guest.volumes.fat_files import FatFiles
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.files import FileReader
from byoi_tools.model.guest.guest import Trouble, TroubleKind
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.secret import Secret
from byoi_tools.tools.guestfs.appliance import is_guestfs_installed, require_guestfs
from byoi_tools.tools.guestfs.disk import GuestDisk
from byoi_tools.tools.native.files import FILE_SYSTEMS, NativeReaders

_GUESTFS_ONLY = ("btrfs", "f2fs")
"""What guestfs is started for; of a Windows or a FreeBSD the readers of domains know nothing."""
_HAS_NO_FILES = ("", "swap")
_GIVE_THE_KEY = "Give its key (--luks-key FILE), or check the image before it is encrypted."
_ELSEWHERE = "Look into it yourself (guestfish --ro), or build the image on ext4 or XFS."


@dataclass(frozen=True, slots=True)
class Opener:
    """How the files of a volume are opened; `subvolumes` and `open_subvolume` are None for what has none.

    `name` is that of the reader in the facts. A slow one is asked last.
    """

    name: str
    open: Callable[[], FileReader]
    subvolumes: Callable[[], tuple[str, ...]] | None = None
    open_subvolume: Callable[[str], FileReader] | None = None

    @property
    def is_slow(self) -> bool:
        """Whether it starts a virtual machine."""
        return self.name == ReaderChoice.GUESTFS.value


class Readers:
    """The readers of one image; a context manager that ends the native ones, but not the appliance of guestfs."""

    def __init__(self, choice: ReaderChoice, disk: GuestDisk | None, luks_key: Secret | None = None) -> None:
        """`disk` is the image for guestfs, None for one that is no file on this machine.

        `luks_key` opens what is encrypted.

        Raises `ToolMissing` when guestfs was chosen and is not installed.
        """
        if choice is ReaderChoice.GUESTFS:
            require_guestfs()
        self._choice = choice
        self._native = NativeReaders()
        self._guestfs = disk
        self.luks_key = luks_key

    @property
    def opens_everything(self) -> bool:
        """Whether encrypted volumes and arrays are opened even where the root was found elsewhere."""
        return self._choice is ReaderChoice.GUESTFS or self.luks_key is not None

    def guestfs_for(self, what: str) -> GuestDisk | Trouble:
        """The image in an appliance, or why there is none to read `what`."""
        if self._choice is ReaderChoice.NATIVE:
            return _unsupported(what)
        if self._guestfs is None:
            return Trouble(
                TroubleKind.UNSUPPORTED,
                f"{what} is read by guestfs, which needs the image as a file",
                "Download the image, and check the file.",
            )
        if self._choice is ReaderChoice.AUTO and not is_guestfs_installed():
            return Trouble(
                TroubleKind.UNSUPPORTED,
                f"{what} is read by guestfs, which is not installed",
                "apt-get install python3-guestfs, or look into it yourself.",
            )
        return self._guestfs

    def opener(self, file_system: str, content: ByteSource, device: int | str) -> Opener | Trouble | None:
        """Return how the files are opened, why they cannot be, or None for what has no files.

        `device` is the number of the partition, or what the appliance of guestfs calls another device.
        """
        if file_system in _HAS_NO_FILES:
            return None
        if file_system == "vfat":
            return Opener("native", partial(FatFiles, content))
        if file_system in FILE_SYSTEMS and self._choice is not ReaderChoice.GUESTFS:
            return Opener("native", partial(self._native.open, file_system, content))
        if file_system in (*FILE_SYSTEMS, *_GUESTFS_ONLY) and self._choice is not ReaderChoice.NATIVE:
            return self._by_guestfs(file_system, device)
        return _unsupported(file_system)

    def opener_inside(self, file_system: str, content: ByteSource, device: int | str) -> Opener | Trouble | None:
        """The same for what is in an encrypted volume or an array, which the appliance has open as this device."""
        if file_system in (*FILE_SYSTEMS, *_GUESTFS_ONLY):
            return self._by_guestfs(file_system, device)
        return self.opener(file_system, content, device)

    def __enter__(self) -> Readers:
        self._native.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._native.__exit__(kind, error, traceback)

    def _by_guestfs(self, file_system: str, device: int | str) -> Opener | Trouble:
        disk = self.guestfs_for(file_system)
        if isinstance(disk, Trouble):
            return disk
        name = disk.partition(device) if isinstance(device, int) else device
        open_device = partial(disk.open, name)
        if file_system != "btrfs":
            return Opener("guestfs", open_device)
        return Opener("guestfs", open_device, partial(disk.subvolumes, name), open_device)


def _unsupported(file_system: str) -> Trouble:
    if file_system == "crypto_LUKS":
        return Trouble(TroubleKind.UNSUPPORTED, "it is encrypted (LUKS), and no key was given", _GIVE_THE_KEY)
    return Trouble(TroubleKind.UNSUPPORTED, f"{file_system} is not read", _ELSEWHERE)
