"""Opens what guestfs alone can open: encrypted volumes (LUKS) with their key, and md arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.filesystems.signatures import read_signature
from byoi_tools.inspection.guest.volumes.find import LVM, FoundVolume, found_volume, volumes_in_groups
from byoi_tools.inspection.guest.volumes.readers import Readers
from byoi_tools.inspection.guest.volumes.watched import trouble_of
from byoi_tools.model.disks.disk import FileSystemSignature
from byoi_tools.model.guest.guest import Trouble, TroubleKind
from byoi_tools.tools.guestfs.disk import GuestDisk

LUKS, RAID = "crypto_LUKS", "linux_raid_member"
_MOST_LEVELS = 3
"""LVM in LUKS on an array; deeper than that nobody builds."""
_WRONG_KEY = "Give the key that the volume was made with; a file's last line end is not part of it."
_NOT_STARTED = Trouble(
    TroubleKind.UNSUPPORTED,
    "the array could not be started",
    "See what `mdadm --examine` says of its members: one may be missing.",
)


def open_containers(found: Iterable[FoundVolume], readers: Readers) -> tuple[FoundVolume, ...]:
    """Return the volumes that are inside of others, and note at these that they were opened, or why not."""
    inside: list[FoundVolume] = []
    level = list(found)
    for _ in range(_MOST_LEVELS):
        level = [*_in_encrypted(level, readers), *_in_arrays(level, readers)]
        inside += level
    return tuple(inside)


def _in_encrypted(level: list[FoundVolume], readers: Readers) -> Iterator[FoundVolume]:
    for volume in level:
        key = readers.luks_key
        if volume.signature.name != LUKS or key is None:
            continue
        disk = readers.guestfs_for(LUKS)
        if isinstance(disk, Trouble):
            volume.trouble = disk
            continue
        try:
            device = disk.unlock(_device(volume, disk), key)
            yield from _inside([volume], "LUKS", disk, device, readers)
        except (ImageError, ToolError) as error:
            why = trouble_of(error)
            reason = f"it is encrypted (LUKS), and was not opened: {why.reason}"
            kind = TroubleKind.UNSUPPORTED if isinstance(error, ImageError) else why.kind
            volume.trouble = Trouble(kind, reason, _WRONG_KEY if isinstance(error, ImageError) else why.remedy)


def _in_arrays(level: list[FoundVolume], readers: Readers) -> Iterator[FoundVolume]:
    members = sorted((volume for volume in level if volume.signature.name == RAID), key=_uuid)
    if not members:
        return
    disk = readers.guestfs_for(RAID)
    if isinstance(disk, Trouble):
        _note(members, disk)
        return
    for uuid, group in groupby(members, key=_uuid):
        together = list(group)
        try:
            device = disk.arrays().get(uuid)
            _note(together, _NOT_STARTED if device is None else None)
            if device is not None:
                yield from _inside(together, "RAID", disk, device, readers)
        except (ImageError, ToolError) as error:
            _note(together, trouble_of(error))


def _inside(
    outer: list[FoundVolume], kind: str, disk: GuestDisk, device: str, readers: Readers
) -> Iterator[FoundVolume]:
    """What lies on a device that was opened: a file system, or a volume group with several."""
    content = disk.content(device)
    signature = read_signature(content) or FileSystemSignature("", "", "")
    partition = outer[0].source.partition(", volume ")[0]
    _note(outer, None)
    if signature.name == LVM:
        yield from volumes_in_groups({signature.uuid: (partition, content)}, readers.opener_inside)
    else:
        volume = found_volume(f"{partition}, volume {kind}", signature, content, readers.opener_inside, device)
        volume.is_root_by_type = any(member.is_root_by_type for member in outer)
        yield volume


def _note(volumes: list[FoundVolume], trouble: Trouble | None) -> None:
    for volume in volumes:
        volume.trouble = trouble


def _device(volume: FoundVolume, disk: GuestDisk) -> str:
    return disk.partition(volume.device) if isinstance(volume.device, int) else volume.device


def _uuid(volume: FoundVolume) -> str:
    return volume.signature.uuid.replace("-", "").replace(":", "").lower()
