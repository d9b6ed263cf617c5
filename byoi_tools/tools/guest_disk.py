"""The door to libguestfs: the file systems of one image, for what the native readers do not read (btrfs, RAID ...)."""

from __future__ import annotations

from byoi_tools.model.quoting import quote
from byoi_tools.tools.guest_appliance import Appliance, unreadable
from byoi_tools.tools.guestfs_files import GuestfsFiles

_LETTERS = 26


class GuestDisk:
    """One of the disks of an appliance. Raises what the appliance raises."""

    def __init__(self, appliance: Appliance, number: int = 0) -> None:
        """Take the disk with this number, from 0 on, in the order in which the appliance got its images."""
        self._appliance = appliance
        self._name = f"/dev/sd{_letters(number)}"

    def partition(self, number: int) -> str:
        """What the appliance calls a partition: `/dev/sda3`."""
        return f"{self._name}{number}"

    def open(self, device: str, subvolume: str = "") -> GuestfsFiles:
        """Mount a device of the appliance (`/dev/sda3`, `/dev/vg0/root`) read-only and return its reader."""
        options = f"ro,subvol={subvolume}" if subvolume else "ro"
        what = f"{quote(device)}, subvolume {quote(subvolume)}" if subvolume else quote(device)
        if "," in subvolume:  # it would be another option of mount
            raise unreadable(what, "its name has a comma")
        return GuestfsFiles(self._appliance, self._appliance.mount(device, options, what), what)

    def subvolumes(self, device: str) -> tuple[str, ...]:
        """The paths of the subvolumes of a btrfs that can be mounted by them, in the order of their making."""
        listed: list[dict[str, str]] = self._appliance.ask(
            lambda handle: handle.btrfs_subvolume_list(device), quote(device)
        )
        return tuple(path for path in (entry["btrfssubvolume_path"] for entry in listed) if "," not in path)


def _letters(number: int) -> str:
    """What Linux calls the disks: a to z, aa to zz, aaa ..."""
    before, last = divmod(number, _LETTERS)
    return (_letters(before - 1) if before else "") + chr(ord("a") + last)
