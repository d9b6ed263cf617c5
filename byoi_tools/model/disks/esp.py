"""The EFI system partition as firmware and loaders see it."""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.fat import FatEntry, FatVolume
from byoi_tools.model.disks.partition import Partition
from byoi_tools.model.disks.pe import PeImage
from byoi_tools.model.fact import Fact


class LoaderKind(Enum):
    """What an EFI program is, by its content first and its name second; in the order of preference as a loader."""

    SHIM = "shim"
    GRUB = "GRUB"
    SYSTEMD_BOOT = "systemd-boot"
    UKI = "unified kernel image"
    WINDOWS = "Windows Boot Manager"
    FREEBSD = "FreeBSD loader"
    REFIND = "rEFInd"
    LINUX = "Linux kernel (EFI stub)"
    UNKNOWN = "EFI program"
    SHIM_FALLBACK = "shim fallback"
    MOK_MANAGER = "MOK manager"


@dataclass(frozen=True, slots=True)
class GrubModules:
    """What is built into a GRUB image: its `prefix` (`(,gpt2)/EFI/debian`), its early config, the number of modules.

    `has_normal` tells that the module `normal` is among them, without which it reads no grub.cfg.
    """

    prefix: str
    config: str
    module_count: int
    has_normal: bool = False


@dataclass(frozen=True, slots=True)
class EfiProgram:
    """A file of the ESP whose name ends in `.efi`.

    `pe` is None where the file is no readable PE image, and `problem` says why. `grub` is None unless it is GRUB.
    `second_stage` is the file name that a shim loads (`grubx64.efi`), empty for others or where it was not found.
    `command_line` is the one that a unified kernel image has inside. `issuers` are those of its signatures for Secure
    Boot (`Microsoft Corporation UEFI CA 2011`), empty for a program that is not signed; `sbat` are the components and
    generations of its SBAT section (`grub`, 4).
    """

    path: str
    size_bytes: int
    kind: LoaderKind
    pe: PeImage | None
    problem: str
    grub: GrubModules | None
    second_stage: str
    command_line: str = ""
    issuers: tuple[str, ...] = ()
    sbat: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class EspText:
    """A small configuration file of the ESP (`grub.cfg`, `*.conf`, `BOOTX64.CSV`), as bytes."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class EspContent:
    """The volume, every file and directory, the EFI programs and the small configuration files."""

    volume: FatVolume
    entries: tuple[FatEntry, ...]
    programs: tuple[EfiProgram, ...]
    texts: tuple[EspText, ...]
    _by_path: dict[str, FatEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_path = {fold_path(entry.path): entry for entry in reversed(self.entries)}  # of equal names the first
        object.__setattr__(self, "_by_path", by_path)

    def find(self, path: str) -> FatEntry | None:
        """The entry at a path, with either kind of slash, leading or not, in any case (FAT keeps no case)."""
        return self._by_path.get(fold_path(path))

    def program(self, path: str) -> EfiProgram | None:
        """The EFI program at a path; the same rules as `find`."""
        wanted = fold_path(path)
        return next((program for program in self.programs if fold_path(program.path) == wanted), None)


@dataclass(frozen=True, slots=True)
class Esp:
    """An EFI system partition and its content, or the reason why it could not be read."""

    partition: Partition
    content: Fact[EspContent]


def fold_path(path: str) -> str:
    """The form in which two paths on a FAT volume are compared: slashes, no leading one, upper case."""
    return path.replace("\\", "/").strip("/").upper()


def efi_path(path: str) -> str:
    """A path as firmware and the provider's `efiBootloaderPath` write it: backslashes and a leading one."""
    return "\\" + path.replace("/", "\\").strip("\\")
