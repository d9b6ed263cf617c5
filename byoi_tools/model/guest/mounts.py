"""The fstab, and what else names a device."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.devices import DeviceName, KnownDevices


@dataclass(frozen=True, slots=True)
class FstabEntry:
    """A line of fstab(5), its escapes decoded; `mount_point` of swap is `none` as written."""

    line: int
    source: str
    mount_point: str
    type: str
    options: tuple[str, ...]

    @property
    def device(self) -> DeviceName:
        """The device that is named."""
        return DeviceName.of(self.source)

    @property
    def is_swap(self) -> bool:
        """Whether it is swap space."""
        return self.type == "swap"

    @property
    def is_awaited(self) -> bool:
        """Whether the boot mounts it and stops in emergency mode where it cannot."""
        return not {"nofail", "noauto"} & set(self.options)

    def option(self, name: str) -> str:
        """The value of an option `name=value`, or empty."""
        return next((one.partition("=")[2] for one in self.options if one.startswith(f"{name}=")), "")


@dataclass(frozen=True, slots=True)
class Mounts:
    """The fstab's entries, and the devices of the image that they may name.

    `missing_files` are the swap files of the fstab that the guest does not have. `resume` is the device that the
    initramfs is told to look for a hibernated system on (initramfs-tools), with the file that says so.
    """

    fstab: tuple[FstabEntry, ...]
    devices: KnownDevices
    missing_files: tuple[str, ...]
    resume: str
    resume_place: str
