"""How files of a guest name block devices, and which devices an image has to answer with."""

from __future__ import annotations

import re
from enum import Enum

from byoi_tools.model.dataclass import dataclass


class NameKind(Enum):
    """By what a device is named; the values of the first four are the tags of libblkid."""

    UUID = "UUID"
    LABEL = "LABEL"
    PARTUUID = "PARTUUID"
    PARTLABEL = "PARTLABEL"
    VIRTUAL_DISK = "virtual disk"
    DISK = "disk"
    MAPPED = "volume"
    OTHER = "other"

    @property
    def is_tag(self) -> bool:
        """Whether it is an identity that lies in the image itself."""
        return self in _TAGS


_TAGS = (NameKind.UUID, NameKind.LABEL, NameKind.PARTUUID, NameKind.PARTLABEL)
_LINKS = {
    "/dev/disk/by-uuid/": NameKind.UUID,
    "/dev/disk/by-label/": NameKind.LABEL,
    "/dev/disk/by-partuuid/": NameKind.PARTUUID,
    "/dev/disk/by-partlabel/": NameKind.PARTLABEL,
}
_VIRTUAL_DISK = re.compile(r"/dev/(vd|xvd|ubd)[a-z0-9]+")
_DISK = re.compile(r"/dev/([sh]d[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(p[0-9]+)?|mmcblk[0-9]+(p[0-9]+)?)")
_NOT_MAPPED = re.compile(r"/dev/(disk|md|mapper|shm|pts|bus|block|char|fd|zvol|loop)[/0-9]?")
_VOLUME = re.compile(r"/dev/(mapper/[^/]+|[A-Za-z0-9+_.][A-Za-z0-9+_.-]*/[^/]+)")


@dataclass(frozen=True, slots=True)
class DeviceName:
    """A device as fstab or a kernel command line names it: `value` is what follows the tag, or the whole text."""

    kind: NameKind
    value: str
    text: str

    @classmethod
    def of(cls, text: str) -> DeviceName:
        """Read one (`UUID=...`, `/dev/disk/by-label/...`, `/dev/vda1`); whatever is none of these is `OTHER`."""
        tag, equals, value = text.partition("=")
        if equals and tag in [kind.value for kind in _TAGS]:
            return cls(NameKind(tag), value.strip("\"'"), text)
        for prefix, kind in _LINKS.items():
            if text.startswith(prefix):
                return cls(kind, _unescape(text[len(prefix) :]), text)
        return cls(_kind_of_path(text), text, text)

    @property
    def is_bound_to_a_machine(self) -> bool:
        """Whether the name depends on the bus and the order of a machine's disks."""
        return self.kind in (NameKind.VIRTUAL_DISK, NameKind.DISK)


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A partition or volume of the image, and the identities that it has; empty where it has none.

    `source` names it as a volume's does (`partition 3`), `mount_point` is where the guest mounts it, or empty.
    """

    source: str
    file_system: str
    uuid: str
    label: str
    partuuid: str
    partlabel: str
    mount_point: str

    def is_named(self, name: DeviceName) -> bool:
        """Whether the name is one of its identities; in the same case, as udev's links are compared."""
        given = {
            NameKind.UUID: self.uuid,
            NameKind.LABEL: self.label,
            NameKind.PARTUUID: self.partuuid,
            NameKind.PARTLABEL: self.partlabel,
        }.get(name.kind, "")
        if name.kind is NameKind.MAPPED:
            return name.value in mapped_names(self.source)
        return bool(given) and given == name.value


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """All partitions and volumes of an image.

    `hidden` names what may hold further ones that nobody could look at (`partition 3, crypto_LUKS`).
    """

    devices: tuple[KnownDevice, ...]
    hidden: tuple[str, ...]

    def find(self, name: DeviceName) -> KnownDevice | None:
        """The device of that name, or None."""
        return next((device for device in self.devices if device.is_named(name)), None)


def mapped_names(source: str) -> tuple[str, ...]:
    """The paths under which a logical volume appears (`partition 3, volume vg0/root`); none for other sources."""
    _, _, volume = source.partition(", volume ")
    group, slash, name = volume.partition("/")
    if not slash:
        return ()
    return f"/dev/{group}/{name}", f"/dev/mapper/{group.replace('-', '--')}-{name.replace('-', '--')}"


def _kind_of_path(text: str) -> NameKind:
    if _VIRTUAL_DISK.fullmatch(text):
        return NameKind.VIRTUAL_DISK
    if _DISK.fullmatch(text):
        return NameKind.DISK
    if _VOLUME.fullmatch(text) and (text.startswith("/dev/mapper/") or not _NOT_MAPPED.match(text)):
        return NameKind.MAPPED
    return NameKind.OTHER


def _unescape(name: str) -> str:
    r"""The name behind a link of udev, which writes a space as `\x20`."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), name)
