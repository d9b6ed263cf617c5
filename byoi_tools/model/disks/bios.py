"""How an image boots on legacy firmware: the boot code of LBA 0 and what it loads."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import GrubModules


class BootCodeKind(Enum):
    """Whose boot code lies in LBA 0, by its known strings and bytes."""

    NONE = "none"
    GRUB = "GRUB 2"
    SYSLINUX_MBR = "SYSLINUX mbr.bin"
    SYSLINUX_GPTMBR = "SYSLINUX gptmbr.bin"
    LILO = "LILO"
    WINDOWS = "Windows"
    FREEBSD = "FreeBSD"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GrubCore:
    """GRUB's core image as boot.img points to it.

    `first_lba` comes from boot.img. `partition_number` is the partition that holds it: a BIOS boot partition, or
    another one where GRUB was forced into a file system; None for the gap before the first partition. `problem` says
    why it is not a readable core image, or is empty. `end_lba` is the last sector of its block list (`first_lba` when
    that could not be read).
    """

    first_lba: int
    end_lba: int
    partition_number: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class BiosBoot:
    """The boot code of LBA 0 and, for GRUB, its core image with what is built into it.

    `grub` is None where the core image could not be unpacked.
    """

    kind: BootCodeKind
    grub_core: GrubCore | None
    grub: GrubModules | None = None
