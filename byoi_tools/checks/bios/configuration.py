"""What the boot code goes on with: GRUB's prefix and modules, SYSLINUX's files, the disk that they are on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain, link_before_the_menu, link_place
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import LinkKind, SyslinuxFiles
from byoi_tools.model.quoting import quote

_SYSLINUX = {TableScheme.MBR: BootCodeKind.SYSLINUX_MBR, TableScheme.GPT: BootCodeKind.SYSLINUX_GPTMBR}
_OTHER_DISK = re.compile(r"\(?hd([1-9][0-9]{0,2})\b")
_OTHER_DEVICE = re.compile(r"/dev/(?:(?:[sv]|xv|h)d[b-z]|nvme[1-9]n)")


@check(
    "bios.grub-prefix",
    "GRUB's core image finds its modules and its grub.cfg",
    Severity.ERROR,
    remedy="Install GRUB again on the disk that becomes the image: grub-install --target=i386-pc /dev/DISK",
    boot=BootMode.LEGACY,
)
def grub_prefix(subject: Subject) -> Iterator[Observation]:
    """GRUB's core image finds its modules and its grub.cfg.

    Why: the core image knows one directory by partition or UUID, its prefix. When partitions were renumbered, or
    `/boot/grub` is not where it was, GRUB stops at `grub rescue>`, a prompt that knows no `boot` command.

    How: the core image is unpacked, and its prefix and first configuration are followed as GRUB does, to the module
    `normal` in `PREFIX/i386-pc` (unless it is built in) and to `grub.cfg`. Skipped for other loaders, where the core
    image is damaged (`bios.grub-core`) and where the prefix is on a file system that is not read.

    Fix: `grub-install --target=i386-pc /dev/DISK` and `update-grub`, after the last change of the partition table.

    Source: GRUB manual, "prefix" and "GRUB only offers a rescue shell".
    """
    if subject.bios.grub is None:
        raise NotKnownError(f"no core image of GRUB could be unpacked ({subject.bios.kind.value})")
    chain = boot_chain(subject)
    broken = link_before_the_menu(chain)
    if broken is not None:
        yield Observation(
            "GRUB does not find what its core image looks for, and stops at its rescue prompt",
            observed=f"{quote(broken.name)}: {broken.problem}",
            expected="the directory of GRUB with its modules and grub.cfg",
            evidence=f"{link_place(broken)}, prefix {quote(subject.bios.grub.prefix)}",
        )
    elif chain.entry is None and chain.broken is None:
        raise NotKnownError(chain.end)


@check(
    "bios.device-map",
    "there is no device.map of the machine that built the image",
    Severity.WARNING,
    remedy="Delete it in the image: rm /boot/grub/device.map; GRUB finds the disks without it.",
    boot=BootMode.LEGACY,
)
def device_map(subject: Subject) -> Iterator[Observation]:
    """There is no device.map of the machine that built the image.

    Why: `device.map` tells `grub-install` which disk is the first one. On the server it still names the disks of the
    machine that built the image, so the next `grub-install` fails with "cannot find a device", or writes to another.

    How: lines of `/boot/grub/device.map` or `/boot/grub2/device.map` that name a device.

    Fix: `rm /boot/grub/device.map` in the image, as the last step.

    Source: GRUB manual, "Device map"; the same fix in virt-v2v.
    """
    for line in subject.boot_setup.device_map:
        if line.value.startswith("/dev/"):
            yield Observation(
                "device.map names a disk of the machine that built the image",
                observed=quote(f"{line.name} {line.value}"),
                expected="no device.map",
                evidence=line.place,
            )


@check(
    "bios.syslinux",
    "SYSLINUX has its parts and a configuration",
    Severity.ERROR,
    remedy="Install it again in the image: extlinux --install /boot/extlinux, and put ldlinux.c32 there too.",
    boot=BootMode.LEGACY,
)
def syslinux(subject: Subject) -> Iterator[Observation]:
    """SYSLINUX has its parts and a configuration.

    Why: SYSLINUX's boot code starts `ldlinux.sys`, that `ldlinux.c32`, and that reads the configuration. Without one of
    them the server stops at "Failed to load ldlinux.c32", or at the prompt `boot:`.

    How: when the boot code is SYSLINUX's, a directory where it looks (`/boot/extlinux`, `/boot/syslinux`, `/extlinux`,
    `/syslinux`, `/boot`, `/`) on a file system of the image has `ldlinux.sys`, `ldlinux.c32` and `extlinux.conf` or
    `syslinux.cfg`. A missing `ldlinux.c32` is a warning: versions before 5 have none.

    Fix: `extlinux --install /boot/extlinux`, then copy `ldlinux.c32` of the same version there.

    Source: SYSLINUX, doc/extlinux.txt and doc/syslinux.txt.
    """
    if subject.bios.kind is not _SYSLINUX.get(subject.disk.scheme):
        raise NotKnownError(f"the boot code is not SYSLINUX's for this table ({subject.bios.kind.value})")
    chain = boot_chain(subject)
    installed = subject.boot_setup.syslinux
    if chain.end and not installed:
        raise NotKnownError(chain.end)
    files = next((one for one in installed if one.config), next(iter(installed), SyslinuxFiles("", "", "", "")))
    parts = {"extlinux.conf or syslinux.cfg": files.config, "ldlinux.sys": files.loader, "ldlinux.c32": files.library}
    for name, path in parts.items():
        if not path:
            yield Observation(
                f"SYSLINUX does not find {name}",
                observed=f"no {name}" + (f" in {quote(files.directory)}" if files.directory else " on any file system"),
                expected="all of its parts in one directory",
                evidence=quote(files.directory or "the file systems of the image"),
                severity=Severity.WARNING if name == "ldlinux.c32" else None,
            )


@check(
    "bios.root-same-disk",
    "the loader and the root are on the disk that the firmware starts",
    Severity.ERROR,
    remedy="Build the image on one disk, and install GRUB there: grub-install --target=i386-pc /dev/DISK",
    boot=BootMode.LEGACY,
)
def root_same_disk(subject: Subject) -> Iterator[Observation]:
    """The loader and the root are on the disk that the firmware starts.

    Why: the image is written to one disk. What is left on a second disk of the machine that built it is not on the
    server, or is something else there. iPXE's `sanboot` knows the first disk alone.

    How: neither the prefix in GRUB's core image names a disk after the first (`hd1`), nor `root=` of the default entry
    one (`/dev/sdb1`, `/dev/nvme1n1p1`).

    Fix: move `/boot` and the root to the disk with the boot code, then `grub-install` and `update-grub`.

    Source: OVHcloud guide Understand the Dedicated Server boot process; GRUB manual, "Naming convention".
    """
    prefix = subject.bios.grub.prefix if subject.bios.grub is not None else ""
    if _OTHER_DISK.match(prefix):
        yield Observation(
            "GRUB looks for its files on a disk that is not in the image",
            observed=f"prefix {quote(prefix)}",
            expected="a partition of the first disk, such as (,gpt3)/boot/grub",
            evidence="GRUB's core image",
        )
    chain = boot_chain(subject)
    root = next((link for link in chain.links if link.kind is LinkKind.ROOT), None)
    if root is not None and _OTHER_DEVICE.match(root.name.removeprefix("root=")):
        yield Observation(
            "the root is on a disk that is not in the image",
            observed=quote(root.name),
            expected="a file system of this disk",
            evidence=link_place(root),
        )
    if chain.entry is None and not _OTHER_DISK.match(prefix):
        raise NotKnownError(chain.end or "the boot ends before a kernel is started")
