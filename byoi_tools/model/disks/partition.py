"""Partitions: one view of them for GPT and MBR, and what their types mean."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.sectors import SectorRange


class PartitionKind(Enum):
    """What a partition's type says that it is for."""

    ESP = "EFI system partition"
    BIOS_BOOT = "BIOS boot partition"
    LINUX_ROOT = "Linux root"
    LINUX_FILE_SYSTEM = "Linux file system"
    LINUX_BOOT = "extended boot loader partition"
    LINUX_HOME = "Linux home, srv, var or usr"
    LINUX_SWAP = "Linux swap"
    LINUX_LVM = "Linux LVM"
    LINUX_RAID = "Linux RAID"
    LINUX_LUKS = "Linux LUKS"
    LINUX_VERITY = "dm-verity data"
    MICROSOFT_RESERVED = "Microsoft reserved"
    MICROSOFT_BASIC_DATA = "Microsoft basic data"
    MICROSOFT_RECOVERY = "Microsoft recovery"
    FREEBSD_BOOT = "FreeBSD boot"
    FREEBSD_FILE_SYSTEM = "FreeBSD file system"
    FREEBSD_SWAP = "FreeBSD swap"
    SOLARIS_ZFS = "ZFS"
    FAT = "FAT"
    EXTENDED = "extended partition"
    PROTECTIVE = "GPT protective"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: `number` as the Linux kernel counts it (logical ones from 5), `type_code` as the table writes it
    (`C12A7328-F81F-11D2-BA4B-00A0C93EC93B`, or `0xEF` in an MBR). `name` and `guid` are empty in an MBR.
    """

    number: int
    sectors: SectorRange
    type_code: str
    kind: PartitionKind
    name: str
    guid: str
    is_active: bool
    is_logical: bool

    def __str__(self) -> str:
        return f"partition {self.number}"
