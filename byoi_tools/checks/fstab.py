"""What `/etc/fstab` makes every boot wait for."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.mounting import is_for_esp
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.devices import NameKind
from byoi_tools.model.guest.mounts import FstabEntry
from byoi_tools.model.quoting import quote

_NETWORK_TYPES = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "glusterfs", "ceph", "lustre", "fuse.sshfs", "ncpfs", "afs")
_HOST_TYPES = ("vboxsf", "9p", "virtiofs", "fuse.vmhgfs-fuse", "vmhgfs", "prl_fs")
_EARLY = ("/usr", "/var", "/etc", "/var/log")


@check(
    "fstab.device-name",
    "the fstab names no device by a machine's name for it",
    Severity.ERROR,
    remedy="Write UUID=... instead (blkid shows it), in /etc/fstab of the image.",
    product=Product.BYOI,
)
def device_name(subject: Subject) -> Iterator[Observation]:
    """The fstab names no device by a machine's name for it.

    Why: `/dev/vda1` and `/dev/sda1` are names of the machine that built the image. On a server with NVMe disks they do
    not exist; on one with two SATA disks `/dev/sda` may be the other. The boot waits 90 seconds, then stops in
    emergency mode.

    How: lines of `/etc/fstab` for `/dev/vdX`, `/dev/xvdX`, `/dev/sdX`, `/dev/hdX`, NVMe or MMC devices. With `nofail`
    it is a warning; lines with `noauto` do not count. Swap is up to `fstab.swap`.

    Fix: replace the names by `UUID=...`, which `blkid` shows.

    Source: fstab(5); systemd-fstab-generator(8); AWS VM Import and virt-v2v change such lines for this reason.
    """
    for entry in _mounted(subject):
        if entry.device.is_bound_to_a_machine:
            yield Observation(
                f"{_at(entry)} is mounted by the name that its device had on another machine",
                observed=quote(entry.source),
                expected="UUID=... of the file system",
                evidence=_line(entry),
                severity=None if entry.is_awaited else Severity.WARNING,
            )


@check(
    "fstab.unresolved",
    "everything that the fstab waits for is in the image",
    Severity.ERROR,
    remedy="Correct the id (blkid shows those of the image), or remove the line, or add nofail to its options.",
    product=Product.BYOI,
)
def unresolved(subject: Subject) -> Iterator[Observation]:
    """Everything that the fstab waits for is in the image.

    Why: systemd waits 90 seconds for each device of the fstab, then gives up and stops in emergency mode, where nobody
    can log in over the network. A line for a data disk of the build machine is enough.

    How: each line whose device is named by UUID, label, PARTUUID, partition label or as a logical volume: a partition
    or volume of the image has that name, in the same case. Lines with `nofail` or `noauto`, swap (`fstab.swap`) and the
    ESP (`esp.fstab-id`) do not count. Skipped where a container that nobody can open may hold it.

    Fix: `blkid` shows what the image has. For disks that only some servers have: `nofail,x-systemd.device-timeout=10`.

    Source: fstab(5); systemd.mount(5), "fstab".
    """
    devices = subject.mounts.devices
    missing = [
        entry
        for entry in _mounted(subject)
        if entry.is_awaited
        and not is_for_esp(entry)
        and (entry.device.kind.is_tag or entry.device.kind is NameKind.MAPPED)
        and devices.find(entry.device) is None
    ]
    if missing and devices.hidden:
        raise NotKnownError(f"{quote(missing[0].source)} may be in {', '.join(devices.hidden)}")
    for entry in missing:
        yield Observation(
            f"the boot stops because nothing in the image can be mounted at {_at(entry)}",
            observed=quote(entry.source),
            expected="a partition or volume of the image, or the option nofail",
            evidence=_line(entry),
        )


@check(
    "fstab.swap",
    "the swap space of the fstab is in the image",
    Severity.WARNING,
    remedy="Remove the line from /etc/fstab, or name swap space of this image by its UUID.",
    product=Product.BYOI,
)
def swap(subject: Subject) -> Iterator[Observation]:
    """The swap space of the fstab is in the image.

    Why: a swap partition of the build machine makes every boot of the server wait 90 seconds; then it goes on without
    swap, which nobody notices until memory is short.

    How: lines of type `swap`: named by an identity, a partition or volume of the image has it; a swap file exists; and
    it is not named as `/dev/sdX` or alike. Lines with `noauto` do not count.

    Fix: remove the line, or `mkswap` a partition of the image and name it by its UUID.

    Source: systemd.swap(5); swapon(8).
    """
    for entry in subject.mounts.fstab:
        if not entry.is_swap or "noauto" in entry.options:
            continue
        device = entry.device
        is_named = device.kind.is_tag or device.kind is NameKind.MAPPED
        is_missing = is_named and subject.mounts.devices.find(device) is None
        if is_missing and subject.mounts.devices.hidden:
            raise NotKnownError(f"the swap may be in {', '.join(subject.mounts.devices.hidden)}")
        if is_missing or device.is_bound_to_a_machine or entry.source in subject.mounts.missing_files:
            yield Observation(
                "every boot waits for swap space that the server does not have",
                observed=quote(entry.source),
                expected="swap space of the image, or no line for it",
                evidence=_line(entry),
            )


@check(
    "fstab.network-fs",
    "the boot does not depend on file systems of other machines",
    Severity.WARNING,
    remedy="Add nofail,_netdev to the options, or remove the line from /etc/fstab.",
    product=Product.BYOI,
)
def network_fs(subject: Subject) -> Iterator[Observation]:
    """The boot does not depend on file systems of other machines.

    Why: an NFS or CIFS share of the build network is not reachable from the server: the boot hangs until it gives up.
    A folder that VirtualBox, VMware or QEMU shares (`vboxsf`, `9p`, `virtiofs`) does not exist on metal at all, and
    stops the boot in emergency mode.

    How: lines of such types without `nofail` or `noauto`. Network file systems may have `_netdev` instead.

    Fix: `nofail,_netdev,x-systemd.mount-timeout=30`, or remove the line; shares can be mounted by user data.

    Source: systemd.mount(5), "_netdev"; nfs(5), "bg".
    """
    for entry in subject.mounts.fstab:
        is_network = entry.type in _NETWORK_TYPES and "_netdev" not in entry.options
        if entry.is_awaited and (is_network or entry.type in _HOST_TYPES):
            yield Observation(
                f"the boot waits for {_at(entry)}, which another machine has",
                observed=f"{quote(entry.source)}, {quote(entry.type)}",
                expected="nofail (and _netdev) among the options",
                evidence=_line(entry),
            )


@check(
    "fstab.x-cloud",
    "the fstab has no lines that cloud-init wrote on another machine",
    Severity.INFO,
    remedy="Remove the lines with comment=cloudconfig from /etc/fstab before the image is taken.",
    product=Product.BYOI,
)
def x_cloud(subject: Subject) -> Iterator[Observation]:
    """The fstab has no lines that cloud-init wrote on another machine.

    Why: cloud-init adds the temporary disk of a cloud (`/dev/disk/cloud/azure_resource`, `ephemeral0`) to the fstab.
    Such lines have `nofail`, so they only cost time, but they show that the image was started before it was taken.

    How: lines with the option `comment=cloudconfig` or `x-systemd.requires=cloud-init.service`.

    Fix: remove the lines, and run `cloud-init clean` as the last step of the build.

    Source: cloud-init, module reference "Mounts".
    """
    for entry in subject.mounts.fstab:
        if {"comment=cloudconfig", "x-systemd.requires=cloud-init.service"} & set(entry.options):
            yield Observation(
                f"cloud-init wrote the line for {_at(entry)} while the image was built",
                observed=quote(entry.source),
                expected="no such line",
                evidence=_line(entry),
            )


@check(
    "fstab.separate-usr-var",
    "/usr, /var and /etc are on the root file system",
    Severity.INFO,
    remedy="Nothing needs to be done if the initramfs mounts /usr; test the boot, or put them onto the root.",
    product=Product.BYOI,
)
def separate_usr_var(subject: Subject) -> Iterator[Observation]:
    """/usr, /var and /etc are on the root file system.

    Why: with `/usr` or `/etc` on another partition, the initramfs must mount it before systemd starts. With `/var`
    there, whatever writes to `/var` too early writes below the mount. Each is one more device that can be missing.

    How: lines of the fstab for `/usr`, `/etc`, `/var` or `/var/log` on another device than that of `/`.

    Fix: none is needed when the boot was tested. Otherwise put these directories onto the root file system.

    Source: systemd, "The Case for the /usr Merge" and "Booting Without /usr is Broken".
    """
    root = next((entry.source for entry in subject.mounts.fstab if entry.mount_point == "/"), None)
    for entry in _mounted(subject):
        if entry.mount_point in _EARLY and entry.source not in (root, "tmpfs", "overlay"):
            yield Observation(
                f"{_at(entry)} is a file system of its own",
                observed=quote(entry.source),
                expected="a directory of the root file system",
                evidence=_line(entry),
            )


def _mounted(subject: Subject) -> Iterator[FstabEntry]:
    """The lines that a boot mounts, swap left out."""
    return (entry for entry in subject.mounts.fstab if not entry.is_swap and "noauto" not in entry.options)


def _at(entry: FstabEntry) -> str:
    return quote(entry.mount_point)


def _line(entry: FstabEntry) -> str:
    return f"/etc/fstab line {entry.line}"
