"""By which name the kernel finds its root file system, and whether this image has it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain, default_entry, link_place
from byoi_tools.checks.boot_commands import NEW_ROOT, WRITE_MENU
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootEntry, LinkKind
from byoi_tools.model.guest.devices import DeviceName, NameKind
from byoi_tools.model.quoting import quote

_GENERIC_LABELS = ("cloudimg-rootfs", "root", "rootfs", "boot", "/", "linux", "system", "os", "data")
_FORCED_PARTUUID = "GRUB_FORCE_PARTUUID"


@check(
    "root.device-name",
    "the kernel finds its root by an identity, not by the name of a device",
    Severity.ERROR,
    remedy="Use root=UUID=... (blkid shows it): remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub, then "
    f"{WRITE_MENU}; where entries have arguments of their own (Fedora): {NEW_ROOT}",
)
def device_name(subject: Subject) -> Iterator[Observation]:
    """The kernel finds its root by an identity, not by the name of a device.

    Why: the disk that is `/dev/vda` in a virtual machine is `/dev/nvme0n1` or `/dev/sda` on a server. The initramfs
    waits for a device that never comes, and ends in its emergency shell.

    How: `root=` of the default entry is `/dev/vda1`, `/dev/xvda1`, `/dev/sda1`, `/dev/hda1` or alike. A name of an NVMe
    disk is a warning: with two of them their order may change. Names of LVM and of arrays are in order.

    Fix: `blkid` in the image shows the UUID; write `root=UUID=...`. `update-grub` does it by itself when it runs with
    `/dev/disk/by-uuid` there, and without `GRUB_DISABLE_LINUX_UUID=true` in `/etc/default/grub`.

    Source: Linux, Documentation/admin-guide/devices.txt; virt-v2v and AWS VM Import change such names for this reason.
    """
    entry = default_entry(subject)
    name = _root_name(entry)
    if name is not None and name.is_bound_to_a_machine:
        yield Observation(
            "the root is named by a device of the machine that built the image",
            observed=quote(f"root={name.text}"),
            expected=_expected(subject),
            evidence=quote(entry.place),
            severity=Severity.WARNING if name.text.startswith("/dev/nvme") else None,
        )


@check(
    "root.uuid-resolves",
    "the file system that the kernel's command line names is in the image",
    Severity.ERROR,
    remedy=f"Put the identity that blkid shows into the configuration, and write it again: {WRITE_MENU}; "
    f"where entries have arguments of their own (Fedora): {NEW_ROOT}",
)
def uuid_resolves(subject: Subject) -> Iterator[Observation]:
    """The file system that the kernel's command line names is in the image.

    Why: a root that was formatted or copied after the configuration was written has another UUID. The initramfs waits
    for the old one and ends in an emergency shell. Where an older disk of the server still has it, that one is mounted.

    How: `root=` of the default entry by UUID, LABEL, PARTUUID or PARTLABEL, or a path below `/dev/disk`, or a logical
    volume, is compared with all partitions and volumes of the image. Skipped where a container that nobody can open
    (LUKS, md) may hold it, and where the boot ends before.

    Fix: `blkid` shows what the image has; then `update-grub`, `grub2-mkconfig`, or edit the entry.

    Source: initramfs-tools(7), dracut.cmdline(7), "root="; ublue-os/readymade issue 33.
    """
    chain = boot_chain(subject)
    entry = default_entry(subject)
    name = _root_name(entry)
    link = next((link for link in chain.links if link.kind is LinkKind.ROOT), None)
    if link is None or name is None:
        raise NotKnownError(chain.end or "the boot ends before the root is mounted")
    if link.problem and not name.is_bound_to_a_machine and name.value:
        yield Observation(
            "the root that the kernel is told to mount is not in the image",
            observed=f"{quote(link.name)}: {link.problem}",
            expected=_expected(subject),
            evidence=link_place(link),
        )


@check(
    "root.partuuid-empty",
    "no configuration names a root by an identity that is missing",
    Severity.ERROR,
    remedy=f"Remove what sets it in /etc/default/grub.d (10_cloud.cfg, 40-force-partuuid.cfg), then run {WRITE_MENU}.",
)
def partuuid_empty(subject: Subject) -> Iterator[Observation]:
    """No configuration names a root by an identity that is missing.

    Why: cloud images boot by `root=PARTUUID=` without an initramfs. Where nothing fills in the PARTUUID, as on metal,
    `root=PARTUUID=` stays empty, and the kernel panics. A forced PARTUUID of another disk does the same after the next
    `update-grub`.

    How: `root=PARTUUID=`, `root=UUID=` or `root=LABEL=` with nothing behind it in an entry of the menu or in the
    arguments of `/etc/default/grub` and `/etc/default/grub.d`; `GRUB_FORCE_PARTUUID` there that no partition has.

    Fix: remove the file (`rm /etc/default/grub.d/10_cloud.cfg`), or empty the setting, and run `update-grub`.

    Source: ovh/bringyourownlinux, Debian's make_image_bootable.sh ("PUBM-37334"); Ubuntu, 40-force-partuuid.cfg.
    """
    chains = [
        chain for chain in subject.boot_setup.chains if bool(chain.loader) is (subject.intent.boot is BootMode.UEFI)
    ]
    entries = [entry for chain in chains for entry in (chain.entry, *chain.specified) if entry is not None]
    for place in dict.fromkeys(entry.place for entry in entries if _is_empty(entry.command_line.last("root"))):
        yield _empty("an entry has root= with an empty identity", "root= without a value", place)
    for setting in subject.boot_setup.grub_defaults:
        if setting.name.startswith("GRUB_CMDLINE_LINUX") and any(map(_is_empty, _roots(setting.value))):
            yield _empty("GRUB's defaults give root= an empty identity", setting.value, setting.place)
    forced = [setting for setting in subject.boot_setup.grub_defaults if setting.name == _FORCED_PARTUUID][-1:]
    for setting in forced:
        name = DeviceName(NameKind.PARTUUID, setting.value.lower(), setting.value)
        if name.value and subject.mounts.devices.find(name) is None:
            yield _empty("GRUB's defaults force a PARTUUID that no partition has", setting.value, setting.place)


@check(
    "root.label-generic",
    "the root's label is not one that other disks have too",
    Severity.WARNING,
    remedy="Use root=UUID=..., or give the root a label of its own (e2label, xfs_admin -L) and write the new one.",
    product=Product.BYOI,
)
def label_generic(subject: Subject) -> Iterator[Observation]:
    """The root's label is not one that other disks have too.

    Why: a server keeps its other disks as they are. When one of them still has a system whose root is labelled
    `cloudimg-rootfs`, `LABEL=cloudimg-rootfs` may mount that one: the old system answers, with its old keys.

    How: `root=` of the default entry, or the fstab's line for `/`, is by a label that many images share:
    `cloudimg-rootfs`, `root`, `rootfs`, `boot`, `/`, `linux`, `system`, `os`, `data`.

    Fix: `root=UUID=...` in the boot loader's configuration and in `/etc/fstab`.

    Source: NVIDIA infra-controller issue 4990 (booted the stale system of another disk).
    """
    named = [
        ("/etc/fstab line " + str(entry.line), entry.device)
        for entry in subject.mounts.fstab
        if entry.mount_point == "/"
    ]
    try:
        entry = default_entry(subject)
        root = _root_name(entry)
        named += [(quote(entry.place), root)] if root is not None else []
    except NotKnownError:
        if not named:
            raise
    for place, name in named:
        if name.kind is NameKind.LABEL and name.value.lower() in _GENERIC_LABELS:
            yield Observation(
                "the root is found by a label that other disks may have too",
                observed=quote(name.text),
                expected=_expected(subject),
                evidence=place,
            )


def _root_name(entry: BootEntry) -> DeviceName | None:
    value = entry.command_line.last("root")
    return None if value is None else DeviceName.of(value)


def _roots(arguments: str) -> list[str]:
    return [
        word.strip("\"'").removeprefix("root=") for word in arguments.split() if word.strip("\"'").startswith("root=")
    ]


def _is_empty(root: str | None) -> bool:
    return root is not None and DeviceName.of(root).kind.is_tag and not DeviceName.of(root).value


def _empty(message: str, observed: str, place: str) -> Observation:
    return Observation(message, quote(observed), "root=UUID=... of the root file system", quote(place))


def _expected(subject: Subject) -> str:
    """The name that the root of this image has."""
    devices = subject.mounts.devices.devices
    root = next((device for device in devices if device.mount_point == "/" and device.uuid), None)
    return f"root=UUID={root.uuid}" if root else "root=UUID=..."
