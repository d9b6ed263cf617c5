"""The drivers in the initramfs that reach a server's disk."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.booted_kernel import booted_initramfs, booted_kernel, missing_in_initramfs
from byoi_tools.checks.check import check
from byoi_tools.checks.driver_table import Driver, Role, drivers_of
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_VIRTUAL = (
    *("virtio_blk", "virtio_scsi", "virtio_pci", "xen_blkfront", "xen_scsifront", "hv_storvsc", "vmw_pvscsi"),
    *("sym53c8xx", "mptspi"),
)
_DISKS = (Role.NVME, Role.AHCI, Role.RAID, Role.HBA)
_ADD = "Add it: echo MODULE >> /etc/initramfs-tools/modules; update-initramfs -u (dracut: add_drivers+=, dracut -f)."


@check(
    "initrd.virtio-only",
    "the initramfs has drivers of real disks",
    Severity.ERROR,
    remedy="Make it general: MODULES=most in initramfs.conf and update-initramfs -u, or dracut -f --no-hostonly.",
)
def virtio_only(subject: Subject) -> Iterator[Observation]:
    """The initramfs has drivers of real disks.

    Why: the image boots in the virtual machine where it was made, and on a server stops at "Gave up waiting for root
    device": none of the drivers inside has a disk there.

    How: the initramfs holds drivers of virtual disks (virtio, Xen, Hyper-V, VMware), and of the drivers of servers'
    disks in the table of drivers not one, in it or built into the kernel. `initrd.nvme` and `initrd.ahci` are then
    skipped.

    Fix: `MODULES=most` in /etc/initramfs-tools/initramfs.conf and `update-initramfs -u -k all`; or `hostonly="no"` in
    /etc/dracut.conf.d and `dracut -f --regenerate-all`.

    Source: Linux, drivers/block and drivers/scsi; kubernetes-sigs/image-builder issue 1287.
    """
    virtual = _only_virtual(subject)
    if virtual:
        yield Observation(
            "the initramfs reaches the disks of virtual machines alone",
            observed=f"disk drivers: {', '.join(virtual)}",
            expected="the drivers of servers' disks as well: nvme, ahci",
            evidence=quote(booted_initramfs(subject).path),
        )


@check("initrd.nvme", "the initramfs reaches NVMe disks", Severity.ERROR, remedy=_ADD)
def nvme(subject: Subject) -> Iterator[Observation]:
    """The initramfs reaches NVMe disks.

    Why: most of the servers that are sold today have NVMe disks. Without their driver before the root file system is
    mounted, the kernel sees no disk at all.

    How: `nvme` and all that modules.dep says it needs (nvme-core) are in the initramfs, or built into the kernel
    (modules.builtin, or `CONFIG_BLK_DEV_NVME=y`). A module without one that it needs does not count.

    Fix: `echo nvme >> /etc/initramfs-tools/modules` and `update-initramfs -u`; or `add_drivers+=" nvme "` in
    /etc/dracut.conf.d and `dracut -f`. A kernel for clouds may not have it at all: `kernel.flavour`.

    Source: Linux, drivers/nvme/host; OVHcloud API, disk groups of type NVME; ovh/bringyourownlinux.
    """
    yield from _judge(subject, *drivers_of(Role.NVME))


@check("initrd.ahci", "the initramfs reaches SATA disks", Severity.ERROR, remedy=_ADD)
def ahci(subject: Subject) -> Iterator[Observation]:
    """The initramfs reaches SATA disks.

    Why: storage servers and the older ranges have SATA disks on the mainboard's AHCI controller.

    How: `ahci`, `sd_mod` and all that modules.dep says they need (libahci, libata, scsi_mod) are in the initramfs, or
    built into the kernel (modules.builtin, or `CONFIG_SATA_AHCI=y` and `CONFIG_BLK_DEV_SD=y`).

    Fix: `printf 'ahci\\nsd_mod\\n' >> /etc/initramfs-tools/modules` and `update-initramfs -u`; or
    `add_drivers+=" ahci sd_mod "` in /etc/dracut.conf.d and `dracut -f`.

    Source: Linux, drivers/ata/ahci.c; OVHcloud API, disk groups of type SATA and SSD.
    """
    yield from _judge(subject, *drivers_of(Role.AHCI))


@check("initrd.megaraid", "the initramfs reaches the server's MegaRAID controller", Severity.ERROR, remedy=_ADD)
def megaraid(subject: Subject) -> Iterator[Observation]:
    """The initramfs reaches the server's MegaRAID controller.

    Why: behind a hardware RAID controller there is no disk but the one that its driver shows.

    How: asked when the server's disk group has a `raidController` that the table of drivers knows as MegaRAID:
    `megaraid_sas`, `sd_mod` and what they need are in the initramfs, or built into the kernel. Skipped where no server
    is named, or it has none.

    Fix: `echo megaraid_sas >> /etc/initramfs-tools/modules` and `update-initramfs -u`; or
    `add_drivers+=" megaraid_sas "` in /etc/dracut.conf.d and `dracut -f`.

    Source: OVHcloud guide Hardware RAID; linuxkit/linuxkit issue 1245.
    """
    yield from _judge(subject, *_behind(subject, Role.RAID))


@check("initrd.hba", "the initramfs reaches the server's host bus adapter", Severity.ERROR, remedy=_ADD)
def hba(subject: Subject) -> Iterator[Observation]:
    """The initramfs reaches the server's host bus adapter.

    Why: SAS adapters and the RAID controllers of other makers have a driver each, which small initramfs images leave
    out.

    How: asked when the server's disk group has a `raidController` that the table of drivers knows as one of these:
    mpt3sas (also asked for as mpt2sas), aacraid, smartpqi, hpsa, arcmsr. The module, `sd_mod` and what they need are in
    the initramfs, or built into the kernel. Skipped where no server is named, or it has none of them.

    Fix: `echo MODULE >> /etc/initramfs-tools/modules` and `update-initramfs -u`; or `add_drivers+=" MODULE "` in
    /etc/dracut.conf.d and `dracut -f`.

    Source: OVHcloud guide Hardware RAID; Linux, drivers/scsi.
    """
    yield from _judge(subject, *_behind(subject, Role.HBA))


@check(
    "initrd.usb-bmc",
    "the initramfs reaches the virtual media of the management controller",
    Severity.INFO,
    remedy=_ADD,
)
def usb_bmc(subject: Subject) -> Iterator[Observation]:
    """The initramfs reaches the virtual media of the management controller.

    Why: a rescue image that is attached through IPMI shows up as a USB disk. Nothing that boots from the disk needs it.

    How: `xhci_pci`, `usb_storage` and what they need are in the initramfs, or built into the kernel.

    Fix: `printf 'xhci_pci\\nusb_storage\\n' >> /etc/initramfs-tools/modules` and `update-initramfs -u`.

    Source: OVHcloud guide IPMI (virtual media); Linux, drivers/usb.
    """
    yield from _judge(subject, *drivers_of(Role.BMC))


def _judge(subject: Subject, *drivers: Driver) -> Iterator[Observation]:
    kernel, initramfs = booted_kernel(subject), booted_initramfs(subject)
    if drivers[0].role in (Role.NVME, Role.AHCI) and _only_virtual(subject):
        raise NotKnownError("the initramfs reaches the disks of virtual machines alone, which initrd.virtio-only tells")
    for driver in drivers:
        missing = missing_in_initramfs(driver, kernel, initramfs)
        if missing:
            yield Observation(
                f"the initramfs does not reach {driver.controller}",
                observed=f"missing: {', '.join(quote(module) for module in missing[:6])}",
                expected=f"{' and '.join(driver.modules)} with what they need, in the initramfs or built in",
                evidence=f"{quote(initramfs.path)}, kernel {quote(kernel.version)}",
            )


def _only_virtual(subject: Subject) -> tuple[str, ...]:
    """The drivers of virtual disks in the initramfs, where it has no others."""
    kernel, initramfs = booted_kernel(subject), booted_initramfs(subject)
    drivers = (driver for role in _DISKS for driver in drivers_of(role))
    if any(not missing_in_initramfs(driver, kernel, initramfs) for driver in drivers):
        return ()
    return tuple(module for module in _VIRTUAL if module in initramfs.modules)


def _behind(subject: Subject, role: Role) -> tuple[Driver, ...]:
    """The drivers of the server's controller; skips without one of that role."""
    controller = subject.intent.target.raid_controller.known()
    found = tuple(driver for driver in drivers_of(role) if any(name in controller.lower() for name in driver.names))
    if not found:
        raise NotKnownError("the server has no such controller")
    return found
