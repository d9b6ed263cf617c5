"""Which devices an image has: its partitions and the volumes in them, under every name that a guest may use."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.disks.disk import Disk, DiskPartition
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.guest.devices import KnownDevice, KnownDevices
from byoi_tools.model.guest.guest import Volume

_CONTAINERS = ("LVM2_member", "linux_raid_member", "crypto_LUKS", "zfs_member", "bcache", "DM_integrity")
_NAMED_BY_THE_GUEST = ("crypto_LUKS", "linux_raid_member")


def known_devices(context: GuestContext) -> KnownDevices:
    """Return the devices of the image, in the order of its partitions, volumes after the partition that holds them."""
    volumes = {volume.source: volume for volume in context.volumes}
    partitions = [_device(context.disk, found, volumes) for found in context.disk.partitions]
    names = {device.source for device in partitions}
    inner = [
        KnownDevice(volume.source, volume.file_system, volume.uuid, volume.label, "", "", volume.mount_point)
        for volume in context.volumes
        if volume.source not in names
    ]
    return KnownDevices((*partitions, *inner), _hidden(context))


def _device(disk: Disk, found: DiskPartition, volumes: dict[str, Volume]) -> KnownDevice:
    source, signature = str(found.partition), found.file_system
    volume = volumes.get(source)
    return KnownDevice(
        source=source,
        file_system=signature.name if signature else volume.file_system if volume else "",
        uuid=signature.uuid if signature else volume.uuid if volume else "",
        label=signature.label if signature else volume.label if volume else "",
        partuuid=_partuuid(disk, found),
        partlabel=found.partition.name,
        mount_point=volume.mount_point if volume else "",
    )


def _partuuid(disk: Disk, found: DiskPartition) -> str:
    """The PARTUUID as udev writes it; that of an MBR is its signature and the partition's number."""
    if disk.scheme is TableScheme.MBR:
        return f"{disk.mbr.disk_signature:08x}-{found.partition.number:02x}"
    return found.partition.guid.lower()


def _hidden(context: GuestContext) -> tuple[str, ...]:
    """What may hold devices of names that are not known: what an encrypted volume is called is the guest's choice."""
    opened = {volume.source.partition(", volume ")[0] for volume in context.volumes if ", volume " in volume.source}
    return tuple(
        f"{found.partition}, {found.file_system.name}"
        for found in context.disk.partitions
        if found.file_system
        and found.file_system.name in _CONTAINERS
        and (found.file_system.name in _NAMED_BY_THE_GUEST or str(found.partition) not in opened)
    )
