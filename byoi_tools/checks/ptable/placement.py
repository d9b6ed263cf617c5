"""Whether partitions are where they can be; for GPT and MBR alike."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import name_partition, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.disks.disk import DiskPartition
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_MIB = 2**20
_NEVER_GROWN = {
    PartitionKind.ESP,
    PartitionKind.BIOS_BOOT,
    PartitionKind.LINUX_BOOT,
    PartitionKind.LINUX_SWAP,
    PartitionKind.LINUX_VERITY,
    PartitionKind.MICROSOFT_RESERVED,
    PartitionKind.MICROSOFT_RECOVERY,
    PartitionKind.FREEBSD_BOOT,
    PartitionKind.FREEBSD_SWAP,
}


@check(
    "ptable.overlap",
    "no two partitions share sectors",
    Severity.ERROR,
    remedy="Build the image again, with partitions one behind the other.",
)
def overlap(subject: Subject) -> Iterator[Observation]:
    """No partition overlaps another one.

    Why: two file systems that share sectors destroy each other: at the latest when one of them grows at first boot.

    How: the partitions are sorted by their first sector, and each is compared with those before it. Logical partitions
    may lie in their extended one.

    Fix: build the image again; on a raw disk `sgdisk -v DISK.raw` and `sfdisk --verify DISK.raw` show the same.

    Source: UEFI specification 2.10, section 5.3.3: partitions must not overlap.
    """
    require_table(subject)
    pairs = _overlapping_pairs([found.partition for found in subject.disk.partitions])
    if pairs:
        yield Observation(
            "partitions overlap",
            observed=name_some([f"{one} and {other}" for one, other in pairs]),
            expected="every sector in one partition at most",
            evidence=name_some([f"{p} is {p.sectors}" for p in dict.fromkeys(p for pair in pairs for p in pair)]),
        )


def _overlapping_pairs(partitions: list[Partition]) -> list[tuple[Partition, Partition]]:
    """Each partition that overlaps an earlier one, with that one of the earlier ones that ends last."""
    pairs = []
    real = [p for p in partitions if p.sectors.count]
    solid = [p for p in real if p.kind is not PartitionKind.EXTENDED]
    primaries = [p for p in real if not p.is_logical]
    for group in (solid, primaries):
        furthest: Partition | None = None
        for partition in sorted(group, key=lambda p: p.sectors):
            if furthest is not None and partition.sectors.is_overlapping(furthest.sectors):
                pairs.append((furthest, partition))
            if furthest is None or partition.sectors.end_bytes > furthest.sectors.end_bytes:
                furthest = partition
    return list(dict.fromkeys(pairs))


@check(
    "ptable.past-end",
    "every partition ends before the end of the disk",
    Severity.ERROR,
    remedy="Build the image again, with a disk as large as its partitions; or shrink the last partition.",
)
def past_end(subject: Subject) -> Iterator[Observation]:
    """No partition ends beyond the end of the virtual disk.

    Why: the end of such a partition is missing. Its file system is larger than what there is, and refuses to be mounted
    or loses data. It happens when an image is cut off, or a table is copied from a larger disk.

    How: the last byte of each partition is compared with the virtual size. When a GPT shows that the whole disk was
    longer once, container.truncated tells it instead.

    Fix: build or download the image again. For an image that was made too short on purpose: `qemu-img resize IMAGE
    SIZE`.

    Source: UEFI specification 2.10, section 5.3.3; Linux, block/partitions: such partitions are truncated or ignored.
    """
    require_table(subject)
    disk = subject.disk
    if disk.is_cut_off:
        raise NotKnownError("the end of the image is missing")
    beyond = disk.partitions_past_end
    if beyond:
        yield Observation(
            "partitions end beyond the end of the disk",
            observed=name_some([f"{p} ends at byte {p.sectors.end_bytes}" for p in beyond]),
            expected=f"an end at byte {disk.size_bytes} at most",
            evidence=name_some([name_partition(p) for p in beyond]),
        )


@check(
    "ptable.last-is-growable",
    "the last partition is one that may grow",
    Severity.WARNING,
    remedy="Build the image with the root partition as the last one.",
    product=Product.BYOI,
)
def last_is_growable(subject: Subject) -> Iterator[Observation]:
    """The partition at the end of the image is the root, or one that can be it.

    Why: the provider puts the config drive at the end of the disk. At first boot cloud-init grows the root partition
    up to what follows it. A root that is followed by another partition stays as small as it was built.

    How: by position. With a partition of the root type of the Discoverable Partitions Specification, that one must be
    last. Else the last one must not be an ESP, a boot, swap, reserved, recovery or verity partition. What is in it is
    not looked at.

    Fix: build the image with the root as the last partition. The number does not matter, only the place.

    Source: cloud-init, module growpart; OVHcloud, place of the config drive as observed by users.
    """
    require_table(subject)
    found = [p for p in subject.disk.partitions if p.partition.kind is not PartitionKind.EXTENDED]
    if not found:
        raise NotKnownError("the disk has no partitions")
    last = max(found, key=lambda p: p.partition.sectors.end_bytes)
    roots = [p.partition for p in found if p.partition.kind is PartitionKind.LINUX_ROOT]
    if (roots and last.partition not in roots) or _is_never_grown(last):
        root = name_some([name_partition(root) for root in roots]) if roots else "a root partition"
        yield Observation(
            "the last partition is not the root, so the root cannot grow at first boot",
            observed=f"{name_partition(last.partition)}, {last.partition.kind.value}, is the last one",
            expected=f"{root} is the last one",
            evidence=f"{last.partition}, {last.partition.sectors}",
        )


def _is_never_grown(found: DiskPartition) -> bool:
    holds_swap = found.file_system is not None and found.file_system.name == "swap"
    return holds_swap or found.partition.kind in _NEVER_GROWN


@check(
    "ptable.alignment",
    "every partition starts at a multiple of 1 MiB",
    Severity.INFO,
    remedy="Build the image with partitions that start at multiples of 2048 sectors, as sgdisk and sfdisk do unasked.",
)
def alignment(subject: Subject) -> Iterator[Observation]:
    """Every partition starts at a multiple of 1 MiB.

    Why: on disks with physical sectors of 4096 bytes, on SSDs and on RAID, a file system that starts elsewhere makes
    two accesses out of one. It works, slowly.

    How: the first byte of each partition, modulo 1048576. Extended partitions hold no data and do not count.

    Fix: build the image again, `sgdisk --set-alignment=2048` (its default).

    Source: sgdisk manual, --set-alignment; Linux kernel documentation, queue sysfs, optimal_io_size.
    """
    require_table(subject)
    partitions = [p.partition for p in subject.disk.partitions if p.partition.kind is not PartitionKind.EXTENDED]
    crooked = [p for p in partitions if p.sectors.start_bytes % _MIB]
    if crooked:
        yield Observation(
            "partitions are not aligned",
            observed=name_some([f"{p} starts at byte {p.sectors.start_bytes}" for p in crooked]),
            expected=f"starts at multiples of {_MIB} bytes",
            evidence=name_some([name_partition(p) for p in crooked]),
        )
