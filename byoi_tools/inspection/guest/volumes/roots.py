"""Finds the root among the volumes of an image, and puts the guest's tree together as its own fstab says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.volumes.devices import known_devices
from byoi_tools.inspection.guest.volumes.find import FoundVolume
from byoi_tools.inspection.guest.volumes.watched import WatchedFiles
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.guest.devices import DeviceName, NameKind
from byoi_tools.model.guest.files import FileKind, FileReader
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.guest.mounts import FstabEntry

_MARKS = ("/etc/os-release", "/usr/lib/os-release", "/etc/fstab")
_MAXIMUM_MOUNTS = 30
_MAXIMUM_SUBVOLUMES = 30
_PARTITION_NUMBER = re.compile(r"/dev/(?:[a-z]+|nvme\d+n\d+p|mmcblk\d+p)(\d+)")


def find_roots(volumes: Iterable[FoundVolume]) -> list[FoundVolume]:
    """Return the volumes that hold a Linux root, those first whose partition type says so.

    Volumes that a slow reader reads are looked into when no fast one has found a root.
    """
    by_speed = sorted(volumes, key=lambda volume: volume.opener is not None and volume.opener.is_slow)
    found: list[FoundVolume] = []
    has_fast_root = False
    for volume in by_speed:
        is_slow = volume.opener is not None and volume.opener.is_slow
        if not (has_fast_root and is_slow) and (_is_root(volume.files) or _is_root_in_subvolume(volume)):
            found.append(volume)
            has_fast_root = has_fast_root or not is_slow
    return sorted(found, key=lambda volume: not volume.is_root_by_type)


def assemble(root: FoundVolume, volumes: tuple[FoundVolume, ...], disk: Disk) -> GuestContext:
    """Return the guest whose root that is, with every volume mounted that its fstab names and that can be read.

    An extended boot loader partition and an ESP that the fstab leaves out are mounted where systemd mounts them.
    What is around the guest, its ESPs and legacy boot code, is left to the caller. Sets the mount points of the
    volumes. Names that no volume of the image has are left out: checks tell of them.
    Raises what the readers raise.
    """
    assert root.files is not None  # noqa: S101 - it was found by its files
    root.mount_point = "/"
    mounts: dict[str, FileReader] = {"/": root.files}
    context = GuestContext(GuestTree(mounts), disk, esps=(), volumes=tuple(found.volume for found in volumes))
    devices = known_devices(context)
    for entry in read_fstab(context.tree.read_text("/etc/fstab") or "")[:_MAXIMUM_MOUNTS]:
        device = devices.find(entry.device)
        found = _find(volumes, device.source if device else _source_of(entry))
        files = _mountable(found, entry)
        if found is not None and files is not None and entry.mount_point not in mounts:
            found.mount_point = found.mount_point or entry.mount_point
            mounts[entry.mount_point] = files
    _mount_by_type(volumes, disk, mounts)
    for found in volumes:
        if found.mount_point:
            _ = found.subvolumes  # asked for while the appliance runs: they are facts of the volume from now on
    return replace(context, tree=GuestTree(mounts), volumes=order_volumes(volumes))


def _is_root(files: WatchedFiles | None) -> bool:
    if files is None:
        return False
    try:
        etc = files.status("/etc")
        return etc is not None and etc.kind is FileKind.DIRECTORY and any(map(files.status, _MARKS))
    except (ImageError, ToolError):
        return False


def _is_root_in_subvolume(volume: FoundVolume) -> bool:
    """Whether one of the subvolumes holds a root; from then on the volume's files are those of that subvolume."""
    for subvolume in volume.subvolumes[:_MAXIMUM_SUBVOLUMES]:
        files = volume.files_of(subvolume)
        if files is not None and _is_root(files):
            volume.root_at(files)
            return True
    return False


def _find(volumes: tuple[FoundVolume, ...], source: str) -> FoundVolume | None:
    return next((found for found in volumes if found.source == source), None)


def _source_of(entry: FstabEntry) -> str:
    """The partition that a name such as /dev/vda1 meant where the image was made: it has but one disk."""
    name: DeviceName = entry.device
    numbered = _PARTITION_NUMBER.fullmatch(name.value)
    is_disk = name.kind in (NameKind.DISK, NameKind.VIRTUAL_DISK)
    return f"partition {numbered[1]}" if is_disk and numbered else ""


def _mount_by_type(volumes: tuple[FoundVolume, ...], disk: Disk, mounts: dict[str, FileReader]) -> None:
    """As systemd-gpt-auto-generator(8) does: XBOOTLDR at /boot, the ESP there or at /efi, if nothing is in it."""
    for kind, points in ((PartitionKind.LINUX_BOOT, ("/boot",)), (PartitionKind.ESP, ("/boot", "/efi"))):
        partition = next(iter(disk.partitions_of_kind(kind)), None)
        found = _find(volumes, str(partition)) if partition else None
        if found is None or found.mount_point or found.files is None:
            continue
        tree = GuestTree(mounts)
        point = next((each for each in points if each not in mounts and not tree.names(each)), None)
        if point is not None:
            found.mount_point, mounts[point] = point, found.files


def _mountable(found: FoundVolume | None, entry: FstabEntry) -> WatchedFiles | None:
    """The files of a volume, or of its subvolume, that belong at a mount point below the root."""
    if found is None or not entry.mount_point.startswith("/") or entry.mount_point == "/":
        return None
    subvolume = entry.option("subvol")
    if subvolume:
        return found.files_of(subvolume.strip("/"))
    return None if found.mount_point else found.files


def order_volumes(volumes: tuple[FoundVolume, ...]) -> tuple[Volume, ...]:
    """The facts of the volumes as they are by now: the root, what is mounted, the others."""
    return tuple(
        found.volume for found in sorted(volumes, key=lambda found: (not found.mount_point, found.mount_point))
    )
