"""The image as Bring Your Own Linux takes it: a qcow2 with one partition, whose file system the provider mounts."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import name_partition, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.disks.disk import DiskPartition
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.quoting import quote

_MOUNTED = ("ext4", "xfs", "btrfs")
_REWRITTEN = "/"


@check(
    "byol.one-partition",
    "the image has exactly one partition",
    Severity.ERROR,
    remedy="Build the image for Bring Your Own Linux with the root file system as its only partition.",
    product=Product.BYOLINUX,
)
def one_partition(subject: Subject) -> Iterator[Observation]:
    """A Bring Your Own Linux image has one partition.

    Why: the provider makes the partitions (and the ESP) itself and copies the files of the image's only partition. With
    more it stops: "Image contains more than one partition (2)".

    How: the partitions of the table are counted, extended ones not.

    Fix: build the image with one partition that holds the whole root, `/boot` included; or use Bring Your Own Image,
    which writes the disk as it is.

    Source: OVHcloud guide Bring Your Own Linux; ovh/bringyourownlinux, commit 5edb64f.
    """
    require_table(subject)
    partitions = [found.partition for found in _partitions(subject)]
    if len(partitions) != 1:
        yield Observation(
            f"the image has {len(partitions)} partitions",
            observed=name_some([name_partition(p) for p in partitions]) or "none",
            expected="one partition",
            evidence="partition table",
        )


@check(
    "byol.qcow2-only",
    "the image is a qcow2",
    Severity.ERROR,
    remedy="byoi-tools convert IMAGE IMAGE.qcow2 --to qcow2 --compress zlib",
    product=Product.BYOLINUX,
)
def qcow2_only(subject: Subject) -> Iterator[Observation]:
    """A Bring Your Own Linux image is a qcow2.

    Why: the provider attaches the image with `qemu-nbd` as qcow2; anything else ends the installation with "image
    provided format is raw which does not match expected qcow2 format".

    How: the format is read from the first bytes, whatever the file is called.

    Fix: `byoi-tools convert IMAGE IMAGE.qcow2 --to qcow2 --compress zlib`.

    Source: OVHcloud guide Bring Your Own Linux and the comparison of both products: qcow2 only.
    """
    found = subject.container.format
    if found is not ImageFormat.QCOW2:
        yield Observation(
            "the image is no qcow2, the only format of Bring Your Own Linux",
            observed=found.value,
            expected="qcow2",
            evidence="bytes 0-3",
        )


@check(
    "byol.fs-type",
    "the partition has a file system that the provider mounts",
    Severity.ERROR,
    remedy="Build the image with ext4 (or XFS, or btrfs without subvolumes) directly on its partition.",
    product=Product.BYOLINUX,
)
def fs_type(subject: Subject) -> Iterator[Observation]:
    """The only partition holds ext4, XFS or btrfs.

    Why: the provider mounts the partition and copies its files; LVM, RAID members, encrypted volumes and other file
    systems are not opened.

    How: the signature at the start of the only partition. Whether a btrfs has subvolumes, which is not allowed, is
    not judged. Skipped when there are more partitions (byol.one-partition), and where what lies on the partition is a
    file system or a container of its own: fs.type-byol tells that. What stays is LVM, and what nobody knows.

    Fix: build the image with ext4 directly on its partition; RAID and LVM are made by the provider's partitioning.

    Source: OVHcloud guide Bring Your Own Linux: ext4, XFS or BTRFS (without subvolumes).
    """
    only = _only_partition(subject)
    found = only.file_system.name if only.file_system else "no known signature"
    if found not in _MOUNTED:
        if _is_told_by_its_volume(subject, only):
            raise NotKnownError(f"the partition is {found}, which fs.type-byol tells")
        yield Observation(
            "the provider cannot mount the image's partition",
            observed=found,
            expected="ext4, xfs or btrfs",
            evidence=name_partition(only.partition),
        )


@check(
    "byol.fstab-empty-ok",
    "the fstab has no line that the provider would drop",
    Severity.INFO,
    remedy="Nothing to do, unless the guest needs these lines: then write them again from the script or user data.",
    product=Product.BYOLINUX,
)
def fstab_empty_ok(subject: Subject) -> Iterator[Observation]:
    """The fstab names nothing but the root, or nothing at all.

    Why: the provider writes a new fstab for the partitions that it made. An empty one is fine, and lines of the image
    are lost.

    How: the entries of `/etc/fstab` other than `/`.

    Fix: nothing, or write the lines again from `make_image_bootable.sh` or user data.

    Source: ovh/bringyourownlinux, README: partitions are made from the order's storage, and the fstab for them.
    """
    others = [entry for entry in subject.mounts.fstab if entry.mount_point != _REWRITTEN]
    if others:
        yield Observation(
            "lines of the fstab will be replaced by the provider's",
            observed=name_some([quote(f"{entry.source} {entry.mount_point}") for entry in others]),
            expected="an fstab with the root alone, or an empty one",
            evidence=name_some([f"/etc/fstab line {entry.line}" for entry in others]),
        )


def _partitions(subject: Subject) -> list[DiskPartition]:
    return [found for found in subject.disk.partitions if found.partition.kind is not PartitionKind.EXTENDED]


def _only_partition(subject: Subject) -> DiskPartition:
    found = _partitions(subject)
    if len(found) != 1:
        raise NotKnownError(f"the image has {len(found)} partitions")
    return found[0]


def _is_told_by_its_volume(subject: Subject, found: DiskPartition) -> bool:
    """Whether what lies on it is among the volumes, each of which fs.type-byol judges; members of LVM are not."""
    volumes = subject.facts.volumes
    return isinstance(volumes, Known) and str(found.partition) in {volume.source for volume in volumes.value}
