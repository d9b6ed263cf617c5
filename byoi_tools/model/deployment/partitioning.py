"""How the provider lays out the disks for Bring Your Own Linux (`dedicated.server.reinstall.storage.Partitioning`)."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass

DEFAULT_RAID_LEVEL = 1
SWAP = "swap"
ZFS = "zfs"


@dataclass(frozen=True, slots=True)
class LayoutItem:
    """One partition as it is wished; `size_mib` 0 fills the disk, `raid_level` None is the provider's default, 1.

    `lv_name` makes it a logical volume, `zp_name` names the zpool of a ZFS dataset; each is None when it was not given.
    """

    file_system: str
    mount_point: str
    size_mib: int = 0
    raid_level: int | None = None
    lv_name: str | None = None
    zp_name: str | None = None

    @property
    def level(self) -> int:
        """The RAID level that it gets where the disks suffice."""
        return DEFAULT_RAID_LEVEL if self.raid_level is None else self.raid_level


@dataclass(frozen=True, slots=True)
class Partitioning:
    """A layout of the disk group; `layout` empty is the provider's own, `disks` None are all disks of the group."""

    layout: tuple[LayoutItem, ...] = ()
    disks: int | None = None
    scheme_name: str | None = None
