"""The disks of the server: the one that is written, and those beside it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import default_entry
from byoi_tools.checks.check import check
from byoi_tools.checks.driver_table import Role, drivers_of
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.deployment.server import DiskGroup, Server
from byoi_tools.model.fact import Known, NotExamined, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.devices import DeviceName, NameKind
from byoi_tools.model.quoting import quote
from byoi_tools.model.sizes import exact_size

CONFIG_DRIVE_ROOM_BYTES = 4 * 2**20
_GROUPS = "diskGroups of specifications/hardware"


@check(
    "target.disk-size",
    "the virtual disk fits on the disk that is written",
    Severity.ERROR,
    remedy="Make the image's disk smaller, or choose a group of larger disks with --disk-group.",
)
def disk_size(subject: Subject) -> Iterator[Observation]:
    """The virtual disk fits on the disk that is written.

    Why: the image is written sector by sector to the first disk of the disk group, and the config drive behind it. One
    that is larger fails with "image provided has a size of n bytes which is larger than device of m bytes".

    How: the size of the virtual disk, with 4 MiB for the config drive where something is customized, is compared with
    the `diskSize` of the group. Skipped where the API does not tell it, or the virtual disk is not known.

    Fix: shrink the last file system and its partition, then `qemu-img resize --shrink IMAGE SIZE`; or choose another
    group with `--disk-group`.

    Source: OVHcloud guide Bring Your Own Image, table of errors; OVHcloud API, `GET .../specifications/hardware`.
    """
    planned = subject.planned
    disk, size = planned.server.disk_bytes(planned.order.disk_group_id).known(), planned.needs.virtual_size_bytes
    if size is None:
        raise NotKnownError("the size of the virtual disk is not known")
    has_drive = planned.order.customizations.has_config_drive
    needed = size + (CONFIG_DRIVE_ROOM_BYTES if has_drive else 0)
    if needed > disk:
        yield Observation(
            "the image's virtual disk is too large for the disk",
            observed=exact_size(needed) + (" with the room for a config drive" if has_drive else ""),
            expected=f"at most {exact_size(disk)}",
            evidence=_GROUPS,
            remedy="Make the image's disk smaller, or choose another --disk-group: " + list_groups(planned.server),
        )


@check(
    "target.disk-group",
    "the disk group that is written exists, and the server boots from it",
    Severity.ERROR,
    remedy="Choose another group with --disk-group, or leave it out.",
)
def disk_group(subject: Subject) -> Iterator[Observation]:
    """The disk group that is written exists, and the server boots from it.

    Why: an unknown group is refused. A server that boots by legacy BIOS starts "from the first disk", and an image on
    another group than the default one may never be started.

    How: `--disk-group`, else the server's `defaultDiskGroupId`, else 1, is one of its `diskGroups`. For a server that
    boots legacy alone another group than the default one is a warning.

    Fix: leave `--disk-group` out, or choose one of those that `byoi-tools match` lists.

    Source: OVHcloud API, `Client::NotFound::DiskGroup`; OVHcloud guide Understand the Dedicated Server boot process.
    """
    planned = subject.planned
    server, wanted, default = planned.server, planned.order.disk_group_id, planned.server.default_disk_group_id or 1
    if server.disk_group(wanted).known() is None:
        yield Observation(
            "the server has no such disk group",
            observed=f"group {wanted or default}",
            expected=list_groups(server),
            evidence=_GROUPS,
        )
    elif server.boots_legacy_only and (wanted or default) != default:
        yield Observation(
            "a legacy server boots its first disk, and the disk group is not the default one",
            observed=f"group {wanted}",
            expected=f"group {default}",
            evidence=_GROUPS,
            severity=Severity.WARNING,
        )


@check(
    "target.raid-controller",
    "the controller of the disks is one whose driver is known",
    Severity.WARNING,
    remedy="Find its driver in the rescue system (lspci -k), and look whether the image's initramfs has it.",
)
def raid_controller(subject: Subject) -> Iterator[Observation]:
    """The controller of the disks is one whose driver is known.

    Why: behind a hardware RAID controller there is no disk but the one that its driver shows. Which driver the image
    must have is decided by the controller's name.

    How: the `raidController` of the disk group is looked up in the table of drivers. Whether the image has the driver
    is told by `initrd.megaraid` and `initrd.hba`. Skipped where the API names no controller.

    Fix: boot the rescue system, `lspci -k` shows the driver in use; `lsinitramfs` or `lsinitrd` whether the image
    has it.

    Source: OVHcloud API, `raidController` of `GET .../specifications/hardware`; OVHcloud guide Hardware RAID.
    """
    planned = subject.planned
    controller = planned.server.raid_controller(planned.order.disk_group_id).known()
    drivers = (driver for role in (Role.RAID, Role.HBA) for driver in drivers_of(role))
    if not any(name in controller.lower() for driver in drivers for name in driver.names):
        yield Observation(
            "nobody knows which driver the server's controller needs",
            observed=quote(controller),
            expected="a controller of the table of drivers",
            evidence=f"raidController in {_GROUPS}",
        )


@check(
    "target.secondary-disks",
    "no other disk can hold a file system that is taken for the image's root",
    Severity.WARNING,
    remedy="Wipe the other disks in the rescue system first (wipefs -a), or use root=UUID=... of a fresh file system.",
    product=Product.BYOI,
)
def secondary_disks(subject: Subject) -> Iterator[Observation]:
    """No other disk can hold a file system that is taken for the image's root.

    Why: the image is written to one disk. When another still has an older system with the same LABEL, or one that came
    from the same image and so has the same UUID, the kernel may mount that one: the installation is reported as done,
    and the old system answers, with its old keys.

    How: the server has more disks than the one that is written, something was installed on it before (`os`), and the
    image names its root by LABEL (a warning) or UUID (information: only a copy of the same image has it). What is on
    the disks, the API does not tell; whether the provider wipes them, its guides leave open.

    Fix: in the rescue system `wipefs -a /dev/DISK` for the other disks; give the file system an identity of its own at
    each build.

    Source: NVIDIA infra-controller issue 4990; ovh/docs issue 8837; OVHcloud guide Bring Your Own Image ("the first
    disk of the target disk group").
    """
    planned = subject.planned
    others = _count_other_disks(planned)
    installed = planned.server.installed_system.known()
    if others == 0 or installed.startswith("none"):
        return
    text = default_entry(subject).command_line.last("root")
    name = DeviceName.of(text) if text else None
    if name is not None and name.kind.is_tag:
        yield Observation(
            "another disk may hold an older system that is taken for this one",
            observed=f"{others} more disk{'s' if others > 1 else ''}; {quote(installed)} was installed before",
            expected=f"no other file system with {quote(name.text)}",
            evidence=f"{_GROUPS}; root= of the default entry",
            severity=None if name.kind in (NameKind.LABEL, NameKind.PARTLABEL) else Severity.INFO,
        )


def list_groups(server: Server) -> str:
    """The groups and the sizes of their disks, for a sentence."""
    if isinstance(server.disk_groups, NotExamined):
        return server.disk_groups.reason
    return ", ".join(_describe(group) for group in server.disk_groups.value) or "none"


def _describe(group: DiskGroup) -> str:
    size = group.disk_size_bytes
    return (
        f"{group.group_id} ({size.value // 10**9} GB {group.disk_type})"
        if isinstance(size, Known)
        else str(group.group_id)
    )


def _count_other_disks(planned: PlannedDeployment) -> int:
    groups = planned.server.disk_groups.known()
    return sum(group.disk_count.known() for group in groups) - 1
