"""The EFI system partition in the partition table: whether it is there, once, and in a table that UEFI prefers."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.finding import Observation, Severity

_TYPE = "type C12A7328-F81F-11D2-BA4B-00A0C93EC93B (EF00 in sgdisk) in a GPT, 0xEF in an MBR"


@check(
    "esp.present",
    "the disk has an EFI system partition",
    Severity.ERROR,
    remedy="Build the image with a FAT32 partition of type EF00 that holds the loader.",
    boot=BootMode.UEFI,
)
def present(subject: Subject) -> Iterator[Observation]:
    r"""The disk has an EFI system partition.

    Why: a UEFI server starts a file of the EFI system partition (ESP) and nothing else. Without one the installation
    is reported as done, and the server never leaves iPXE and rEFInd.

    How: the table is searched for a partition of type C12A7328-F81F-11D2-BA4B-00A0C93EC93B (GPT) or 0xEF (MBR). A FAT
    partition of another type is named as the likely one.

    Fix: when the partition is there with a wrong type, `sgdisk --typecode=N:EF00 IMAGE.raw`. Otherwise build the image
    with one: `mkfs.fat -F 32`, then `grub-install --target=x86_64-efi --no-nvram --removable`.

    Source: UEFI specification 2.10, sections 5.3.3 and 13.3; OVHcloud guide Bring Your Own Image: "If your server has
    a uefi boot type, be sure to add an EFI partition to your image".
    """
    require_table(subject)
    if subject.esps:
        return
    found = subject.disk.partitions
    fat = [each.partition for each in found if each.file_system is not None and each.file_system.name == "vfat"]
    yield Observation(
        "the disk has no EFI system partition, so a UEFI server finds nothing to start",
        observed=", ".join(f"{each.partition}: {each.partition.kind.value}" for each in found[:16]) or "no partitions",
        expected=f"a partition of {_TYPE}",
        evidence=f"the partition table ({subject.disk.scheme.value.upper()})",
        remedy=f"If {fat[0]}, which holds a FAT volume, is the ESP, give it its type: {_retype(subject, fat[0].number)}"
        if fat
        else None,
    )


def _retype(subject: Subject, number: int) -> str:
    if subject.disk.scheme is TableScheme.GPT:
        return f"sgdisk --typecode={number}:EF00 IMAGE.raw"
    return f"sfdisk --part-type IMAGE.raw {number} ef"


@check(
    "esp.single",
    "the disk has only one EFI system partition",
    Severity.WARNING,
    remedy="Keep one EFI system partition; give the others the type of what they hold (sgdisk --typecode=N:8300).",
    boot=BootMode.UEFI,
)
def single(subject: Subject) -> Iterator[Observation]:
    """The disk has only one EFI system partition.

    Why: the provider names the loader by its path alone. iPXE takes the first volume of the disk that has such a file,
    in the order in which the firmware lists them: an update of the other ESP then has no effect.

    How: the partitions of the types for an ESP are counted. The other checks of this family look at the first one.

    Fix: move everything into one ESP and give the others another type: `sgdisk --typecode=N:8300 IMAGE.raw`, or delete
    them: `sgdisk --delete=N IMAGE.raw`.

    Source: UEFI specification 2.10, section 13.3.3 (several are allowed); iPXE, efi_block.c.
    """
    partitions = subject.disk.partitions_of_kind(PartitionKind.ESP)
    if len(partitions) > 1:
        yield Observation(
            "the disk has several EFI system partitions, and firmware may start from any of them",
            observed=f"{len(partitions)} EFI system partitions",
            expected="one",
            evidence=", ".join(str(partition) for partition in partitions[:16]),
        )


@check(
    "esp.on-mbr",
    "the EFI system partition is on a GPT disk",
    Severity.WARNING,
    remedy="Convert the table and then build the boot loader anew: sgdisk --mbrtogpt IMAGE.raw",
    boot=BootMode.UEFI,
)
def on_mbr(subject: Subject) -> Iterator[Observation]:
    """The EFI system partition is on a GPT disk.

    Why: the specification lets firmware start from a partition of type 0xEF in an MBR, but some server firmware reads
    an MBR in legacy mode only. An MBR also cannot address more than 2 TiB of the server's disk.

    How: the disk is partitioned by an MBR and has a partition of type 0xEF.

    Fix: build the image with a GPT. An existing one: `sgdisk --mbrtogpt IMAGE.raw`; a GRUB for legacy BIOS then needs
    a BIOS boot partition and `grub-install` again.

    Source: UEFI specification 2.10, sections 5.2 and 13.3.2.
    """
    esp = subject.esp
    if subject.disk.scheme is TableScheme.MBR:
        yield Observation(
            "the EFI system partition is in an MBR, which some UEFI firmware does not read",
            observed="a disk partitioned by an MBR",
            expected="a GPT",
            evidence=f"{esp.partition}, type {esp.partition.type_code}",
        )
