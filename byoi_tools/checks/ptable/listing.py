"""What the table is, and what it lists; for GPT and MBR alike."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import ON_RAW, name_partition, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.formats.disks.partition_types import is_known_type
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.partition import Partition
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

# Root partitions by the Discoverable Partitions Specification, of machines that are not x86-64.
_FOREIGN_ROOTS = {
    "44479540-F297-41B2-9AF7-D131D5F0458A": "32-bit x86",
    "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3": "32-bit Arm",
    "B921B045-1DF0-41C3-AF44-4C6F280D3FAE": "64-bit Arm",
    "72EC70A6-CF74-40E6-BD49-4BDA08E8F224": "64-bit RISC-V",
}


@check(
    "ptable.present",
    "the disk has a partition table with partitions",
    Severity.ERROR,
    remedy="Build the image with a GPT and the file system in a partition; a boot loader needs that too.",
)
def present(subject: Subject) -> Iterator[Observation]:
    """The disk has a GPT or an MBR, with at least one partition, that can be read to its end.

    Why: a raw image without a table is refused after the server was wiped: "image provided format is not of type raw
    because no partition table was found. It seems to contain: x". A file system that starts at byte 0 has no room for a
    boot loader, and the config drive no place.

    How: an MBR whose entries are possible, or a GPT behind an 0xEE entry or an empty MBR. A disk with an 0xEE entry but
    no GPT, a table without partitions, and a broken chain of logical partitions fail as well.

    Fix: build the image with a table, the file system in a partition of it, and install the boot loader.

    Source: OVHcloud guide Bring Your Own Image: a raw image "must contain a partition table".
    """
    disk = subject.disk
    if subject.container.format.image_type is None:
        raise NotKnownError(f"the file is {subject.container.format.value}, not qcow2 or raw")
    problem = _why_no_table(disk)
    if problem:
        yield Observation(
            "the disk has no usable partition table",
            observed=problem,
            expected="a GPT or an MBR with at least one partition",
            evidence="LBA 0 and LBA 1 of the disk",
        )
    elif disk.scheme is TableScheme.MBR and disk.mbr.chain_problem:
        yield Observation(
            "the logical partitions cannot be followed to their end",
            observed=disk.mbr.chain_problem,
            expected="a chain of extended boot records that ends",
            evidence="extended partition",
        )


def _why_no_table(disk: Disk) -> str:
    if disk.scheme is TableScheme.NONE:
        if disk.whole_disk is not None:
            return f"{disk.whole_disk.name} that starts at byte 0 and fills the disk"
        if disk.mbr.has_signature and disk.mbr.protective_entries:
            return "LBA 0 announces a GPT (type 0xEE), and neither copy of it is there"
        return "LBA 0 is no partition table, and there is no GPT"
    is_readable = disk.gpt is None or disk.scheme is TableScheme.MBR or disk.gpt.best.is_valid
    return f"the {disk.scheme.value.upper()} has no partitions" if is_readable and not disk.partitions else ""


@check(
    "ptable.bootsector-not-mbr",
    "the disk is either partitioned or one file system, not both",
    Severity.WARNING,
    remedy=f"{ON_RAW}overwrite the parameter block of a FAT or NTFS volume that is no more: dd if=/dev/zero of=DISK.raw"
    " bs=1 seek=3 count=87 conv=notrunc",
)
def bootsector_not_mbr(subject: Subject) -> Iterator[Observation]:
    """A disk with a partition table does not start with a file system as well.

    Why: the boot sector of a FAT or NTFS volume (and the one that SYSLINUX writes) ends in 0x55AA as an MBR does, and
    what lies where the entries should be can look like partitions. One tool mounts the whole disk, the next one sees
    phantom partitions: the provider may see another disk than you.

    How: a file system or volume signature that counts from byte 0 of a disk which has a partition table too. Without
    a table it is ptable.present; ISO 9660 is container.iso-hybrid.

    Fix: when the partitions are the real thing, on a raw disk `dd if=/dev/zero of=DISK.raw bs=1 seek=3 count=87
    conv=notrunc` removes the parameter block of a FAT or NTFS volume (GRUB keeps it when it is installed over one).
    For other signatures see `wipefs DISK.raw`. When the volume is the real thing, build the image with a table.

    Source: ovh/bringyourownlinux, commit 9c22af5; util-linux, libblkid, "ambivalent result".
    """
    require_table(subject)
    disk = subject.disk
    if disk.whole_disk is not None and disk.whole_disk.name != "iso9660":
        yield Observation(
            f"the disk has a partition table and starts with {disk.whole_disk.name} as well",
            observed=f"a signature of {disk.whole_disk.name} for the whole disk, and {disk.scheme.value.upper()}",
            expected="one of the two",
            evidence="start of the disk",
        )


@check(
    "ptable.unknown-types",
    "the types of the partitions are known, and those of x86-64",
    Severity.INFO,
    remedy=f"{ON_RAW}sgdisk --typecode=NUMBER:8304 DISK.raw makes it a root for x86-64.",
)
def unknown_types(subject: Subject) -> Iterator[Observation]:
    """Every partition has a type that is in use, and a typed root is one for x86-64.

    Why: systemd and installers find the root, the ESP and swap by their types. One that nobody knows, or a root
    for another architecture, is found by nobody. Many systems do not look at types at all, so this is information.

    How: the type GUID (or type byte in an MBR) is looked up in a list from the UEFI specification, the Discoverable
    Partitions Specification, and the tables of sgdisk and sfdisk.

    Fix: on a raw disk `sgdisk --typecode=NUMBER:CODE DISK.raw`; `sgdisk --list-types` prints the codes.

    Source: UAPI group, Discoverable Partitions Specification; UEFI specification 2.10, table 5.7.
    """
    require_table(subject)
    odd = [p.partition for p in subject.disk.partitions if not is_known_type(p.partition.type_code)]
    foreign = [p.partition for p in subject.disk.partitions if p.partition.type_code in _FOREIGN_ROOTS]
    if odd:
        yield _odd_type("partitions have types that are not known", odd, [f"{p}: {p.type_code}" for p in odd])
    if foreign:
        types = [f"{p}: root, {_FOREIGN_ROOTS[p.type_code]}" for p in foreign]
        yield _odd_type("partitions have the root type of another architecture", foreign, types)


def _odd_type(message: str, partitions: list[Partition], types: list[str]) -> Observation:
    return Observation(
        message,
        observed=name_some(types),
        expected="types in use on x86-64",
        evidence=name_some([name_partition(p) for p in partitions]),
    )
