"""The door to libguestfs: the file systems of one image, for what the native readers do not read (btrfs, RAID ...)."""

from __future__ import annotations

from byoi_tools.model.quoting import quote
from byoi_tools.model.secret import Secret
from byoi_tools.tools.guestfs.appliance import Appliance, unreadable
from byoi_tools.tools.guestfs.files import GuestfsFiles

_LETTERS = 26
_IN_ONE_MESSAGE = 1024 * 1024


class GuestDisk:
    """One of the disks of an appliance. Raises what the appliance raises."""

    def __init__(self, appliance: Appliance, number: int = 0) -> None:
        """Take the disk with this number, from 0 on, in the order in which the appliance got its images."""
        self._appliance = appliance
        self._name = f"/dev/sd{_letters(number)}"
        self._unlocked = 0

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

    def unlock(self, device: str, key: Secret) -> str:
        """Open a LUKS volume read-only with a key; return what the appliance calls its content."""
        name = f"{self._name.rpartition('/')[2]}-unlocked{self._unlocked}"
        self._unlocked += 1
        self._appliance.ask(
            lambda handle: handle.cryptsetup_open(device, key.reveal(), name, readonly=True), quote(device)
        )
        self._appliance.ask(lambda handle: handle.lvm_scan(True), quote(device))
        return f"/dev/mapper/{name}"

    def arrays(self) -> dict[str, str]:
        """The md arrays that the appliance could start, by their UUID (32 digits): what it calls them."""
        names: list[str] = self._appliance.ask(lambda handle: handle.list_md_devices(), "arrays")
        return {self._uuid_of_array(name): name for name in names}

    def _uuid_of_array(self, name: str) -> str:
        details: dict[str, str] = self._appliance.ask(lambda handle: handle.md_detail(name), quote(name))
        return details.get("uuid", "").replace(":", "").lower()

    def content(self, device: str) -> DeviceContent:
        """The bytes of a device."""
        size: int = self._appliance.ask(lambda handle: handle.blockdev_getsize64(device), quote(device))
        return DeviceContent(self._appliance, device, size)


class DeviceContent:
    """A `ByteSource`: a device of the appliance, for instance what is in an encrypted volume."""

    def __init__(self, appliance: Appliance, device: str, size_bytes: int) -> None:
        self._appliance = appliance
        self._device = device
        self.size_bytes = size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` on."""
        end = min(offset + length, self.size_bytes)
        places = range(offset, end, _IN_ONE_MESSAGE) if offset >= 0 else ()
        return b"".join(self._piece(place, min(_IN_ONE_MESSAGE, end - place)) for place in places)

    def _piece(self, offset: int, length: int) -> bytes:
        content: bytes = self._appliance.ask(
            lambda handle: handle.pread_device(self._device, length, offset), quote(self._device)
        )
        return content


def _letters(number: int) -> str:
    """What Linux calls the disks: a to z, aa to zz, aaa ..."""
    before, last = divmod(number, _LETTERS)
    return (_letters(before - 1) if before else "") + chr(ord("a") + last)
