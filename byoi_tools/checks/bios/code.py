"""Legacy boot: the code in LBA 0, and for GRUB the core image that it loads."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import is_bootable, is_made_for_uefi_only, require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.bios import BootCodeKind, GrubCore
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.disks.sectors import SectorRange
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

ROOM_TO_GROW_SECTORS = 64
_BOOT_CODE = "LBA 0, bytes 0-439"
_MISFITS = {
    TableScheme.GPT: {BootCodeKind.SYSLINUX_MBR, BootCodeKind.WINDOWS},
    TableScheme.MBR: {BootCodeKind.SYSLINUX_GPTMBR},
    TableScheme.NONE: set[BootCodeKind](),
}


@check(
    "bios.mbr-code",
    "LBA 0 holds boot code",
    Severity.ERROR,
    remedy="Install a boot loader for legacy BIOS: grub-install --target=i386-pc /dev/DISK",
    boot=BootMode.LEGACY,
)
def mbr_code(subject: Subject) -> Iterator[Observation]:
    """LBA 0 holds boot code.

    Why: legacy firmware, and iPXE's `sanboot` on the provider's servers, run the first 440 bytes of the first disk.
    When these are zeros the machine hangs, or falls through to the network again.

    How: the bytes before the partition table are not all zero. An image that only UEFI could start is told by
    `esp.boot-mode-support` instead.

    Fix: `grub-install --target=i386-pc /dev/DISK` in the image, or `extlinux --install` and `gptmbr.bin`.

    Source: OVHcloud guide Understand the Dedicated Server boot process (legacy: sanboot "from the first disk"); UEFI
    specification 2.10, section 5.2.1.
    """
    require_table(subject)
    if is_made_for_uefi_only(subject):
        raise NotKnownError("the image is made for UEFI only (esp.boot-mode-support)")
    if subject.bios.kind is BootCodeKind.NONE:
        yield Observation(
            "LBA 0 holds no boot code, so legacy firmware has nothing to run",
            observed="zeros",
            expected="the code of a boot loader",
            evidence=_BOOT_CODE,
        )


@check(
    "bios.mbr-code-kind",
    "the boot code is of a known loader, one that fits the partition table",
    Severity.INFO,
    remedy="Install the boot code that belongs to the table: gptmbr.bin for a GPT, mbr.bin for an MBR, or GRUB's.",
    boot=BootMode.LEGACY,
)
def mbr_code_kind(subject: Subject) -> Iterator[Observation]:
    """The boot code is of a known loader, one that fits the partition table.

    Why: what the boot code loads next depends on whose it is. Of unknown code nothing more can be checked; code made
    for the other kind of table finds no partition to go on with, and prints "Missing operating system".

    How: the code is compared with marks of GRUB 2, SYSLINUX (mbr.bin, gptmbr.bin), LILO, Windows and FreeBSD. Unknown
    code fails, as do mbr.bin and Windows' code on a GPT disk, and gptmbr.bin on an MBR disk.

    Fix: `dd bs=440 count=1 conv=notrunc if=/usr/lib/syslinux/mbr/gptmbr.bin of=IMAGE.raw`, or `grub-install`.

    Source: GRUB, boot.S; SYSLINUX, mbr/mbr.S and mbr/gptmbr.S; UEFI specification 2.10, section 5.2.3.
    """
    require_table(subject)
    kind, scheme = subject.bios.kind, subject.disk.scheme
    if kind is BootCodeKind.NONE:
        raise NotKnownError("LBA 0 holds no boot code")
    if kind is BootCodeKind.UNKNOWN:
        yield Observation(
            "the boot code is of no loader that is known here, so what it loads was not checked",
            observed=f"starts with {subject.disk.mbr.boot_code[:8].hex(' ')}",
            expected="GRUB 2, SYSLINUX, LILO, Windows or FreeBSD",
            evidence=_BOOT_CODE,
        )
    elif kind in _MISFITS[scheme]:
        yield Observation(
            "the boot code is made for the other kind of partition table",
            observed=f"{kind.value} on a disk with a {scheme.value.upper()}",
            expected="boot code that reads this table",
            evidence=_BOOT_CODE,
        )


@check(
    "bios.grub-core",
    "GRUB's boot code points to a whole core image",
    Severity.ERROR,
    remedy="Install GRUB again, on the disk that becomes the image: grub-install --target=i386-pc /dev/DISK",
    boot=BootMode.LEGACY,
)
def grub_core(subject: Subject) -> Iterator[Observation]:
    """GRUB's boot code points to a whole core image.

    Why: the 440 bytes in LBA 0 only load one sector by its number, and that one the rest by a list. When the table was
    changed or the partition copied afterwards, the numbers point elsewhere: "GRUB" on the screen, and nothing more.

    How: the sector number in boot.img leads to the first sector of a core image, whose block list names sectors that
    exist, are not empty, and lie in one partition or before the first one. Skipped for other boot loaders.

    Fix: `grub-install --target=i386-pc /dev/DISK`, after the last change of the partition table.

    Source: GRUB, grub-core/boot/i386/pc/boot.S and diskboot.S; GRUB manual, "BIOS installation".
    """
    core = _core(subject)
    if core.problem:
        yield Observation(
            "GRUB's boot code does not lead to a whole core image",
            observed=core.problem,
            expected="the start of GRUB's core image, and all of its sectors",
            evidence=f"LBA 0, bytes 92-99: LBA {core.first_lba}",
        )


def _core(subject: Subject) -> GrubCore:
    core = subject.bios.grub_core
    if core is None:
        raise NotKnownError(f"the boot code is not GRUB's ({subject.bios.kind.value})")
    return core


@check(
    "bios.bios-boot-part",
    "on a GPT disk GRUB's core image lies in a BIOS boot partition",
    Severity.ERROR,
    remedy="Add one of 1 MiB and install GRUB again: sgdisk --new=0:0:+1M --typecode=0:EF02, grub-install",
    boot=BootMode.LEGACY,
)
def bios_boot_part(subject: Subject) -> Iterator[Observation]:
    """On a GPT disk GRUB's core image lies in a BIOS boot partition.

    Why: a GPT disk has no gap for GRUB's core image. Outside of a partition of its own it may be overwritten by any
    partition or table tool; inside of a file system the next update moves it. Then GRUB hangs.

    How: the sector that boot.img points to lies in a partition of type 21686148-6449-6E6F-744E-656564454649 (EF02).
    Whether the image is whole is up to `bios.grub-core`. Skipped for MBR disks and other boot loaders.

    Fix: `sgdisk --new=0:0:+1M --typecode=0:EF02 /dev/DISK`, then `grub-install --target=i386-pc /dev/DISK`.

    Source: GRUB manual, "BIOS installation".
    """
    core = _core(subject)
    if subject.disk.scheme is not TableScheme.GPT:
        raise NotKnownError("the disk has no GPT")
    partitions = subject.disk.partitions_of_kind(PartitionKind.BIOS_BOOT)
    if not partitions or (not core.problem and core.partition_number not in {one.number for one in partitions}):
        holder = f"partition {core.partition_number}" if core.partition_number else "no partition"
        yield Observation(
            "GRUB's core image is not in a BIOS boot partition, so it does not last",
            observed=f"a core image in {holder}, and {len(partitions) or 'no'} BIOS boot partitions",
            expected="a core image in a partition of type EF02",
            evidence=f"sectors {core.first_lba}-{core.end_lba}",
        )


@check(
    "bios.gap-size",
    "GRUB's core image has room to grow before the first partition",
    Severity.WARNING,
    remedy="Build the image with the first partition at LBA 2048 (1 MiB), where all tools put it today.",
    boot=BootMode.LEGACY,
)
def gap_size(subject: Subject) -> Iterator[Observation]:
    """GRUB's core image has room to grow before the first partition.

    Why: on an MBR disk the core image lies between LBA 0 and the first partition. A first partition at LBA 63, as old
    tools made it, leaves 31 KiB: the next `grub-install` says "your core.img is unusually large" and may leave a
    server that does not boot.

    How: the end of the core image and the start of the first partition: at least 64 sectors (32 KiB) must be free. A
    core image that reaches into the partition is told by `bios.grub-core`. Skipped for GPT disks and other loaders.

    Fix: build the image with the first partition at LBA 2048.

    Source: GRUB manual, "BIOS installation" (at least 31 KiB, 1000 KiB recommended).
    """
    core = _core(subject)
    if subject.disk.scheme is not TableScheme.MBR:
        raise NotKnownError("the disk is not partitioned by an MBR")
    if core.problem or core.partition_number is not None:
        raise NotKnownError("the core image is not in the gap before the first partition")
    start = min((found.partition.sectors.first_lba for found in subject.disk.partitions), default=None)
    if start is None:
        return
    if SectorRange(core.end_lba + 1, start - 1, subject.disk.sector_size_bytes).count < ROOM_TO_GROW_SECTORS:
        yield Observation(
            "the gap before the first partition is nearly filled by GRUB's core image",
            observed=f"a core image up to LBA {core.end_lba}, a partition from LBA {start} on",
            expected=f"at least {ROOM_TO_GROW_SECTORS} free sectors between them",
            evidence=f"sectors {core.first_lba}-{start}",
        )


@check(
    "bios.hybrid-ok",
    "the image boots by UEFI and by legacy BIOS",
    Severity.INFO,
    remedy="Nothing needs to be done for this server. For servers of the other mode install the other loader too.",
)
def hybrid_ok(subject: Subject) -> Iterator[Observation]:
    """The image boots by UEFI and by legacy BIOS.

    Why: the provider has servers of both boot modes. One image that boots on all of them is one image to maintain; one
    that boots by this mode only is in order, and good to know.

    How: by UEFI, an x86-64 EFI application in the ESP; by legacy BIOS, boot code in LBA 0, and for GRUB a whole core
    image. This fails when the image boots by the mode that is asked for, and not by the other. When it does not boot
    by the mode that is asked for, others tell it, and this is skipped.

    Fix: a BIOS boot partition and an ESP, and GRUB twice: `grub-install --target=i386-pc /dev/DISK` and
    `grub-install --target=x86_64-efi --no-nvram --removable`.

    Source: GRUB manual, "Installation"; OVHcloud API, `bootMode` of specifications/hardware.
    """
    require_table(subject)
    asked = subject.intent.boot
    other = BootMode.LEGACY if asked is BootMode.UEFI else BootMode.UEFI
    if not is_bootable(subject, asked):
        raise NotKnownError(f"the image does not boot by {asked.value}, which is asked for")
    if not is_bootable(subject, other):
        is_uefi_missing = other is BootMode.UEFI
        yield Observation(
            f"the image boots by {asked.value} only",
            observed="no EFI program for x86-64 in an ESP"
            if is_uefi_missing
            else "no boot code that leads to a loader",
            expected="loaders for both boot modes",
            evidence="the EFI system partition" if is_uefi_missing else _BOOT_CODE,
        )
