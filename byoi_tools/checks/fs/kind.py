"""Which file systems, with which features: whether the boot loader and the provider can work with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import Volume

_NEVER_READ = {
    "ext": ("inline_data", "ea_inode", "casefold", "bigalloc"),
    "xfs": ("exchange", "parent", "metadir"),
}
"""What GRUB 2.12 does not read: `grub-fstest` on file systems with one of them says "unknown filesystem"."""
_READ_SINCE_2_06 = {"ext": ("metadata_csum_seed", "large_dir"), "xfs": ("bigtime", "nrext64", "needsrepair")}
"""What GRUB 2.12 reads, and 2.06 as distributions have patched it, but no 2.02 or 2.04."""
_GRUB_PACKAGE = re.compile(r"grub(2)?(-common|-tools|-efi.*|-pc.*)?")
_OLD_GRUB = re.compile(r"(\d+:)?(0|1|2\.0[0-5])\D.*")
_BYOLINUX_FILE_SYSTEMS = ("ext4", "xfs", "btrfs")


@check(
    "fs.features",
    "GRUB can read the file system that it loads the kernel from",
    Severity.WARNING,
    remedy="Make the file system without the feature (mkfs.ext4 -O ^FEATURE, mkfs.xfs -i ... -n ...), or put /boot on a"
    " file system of its own.",
)
def features(subject: Subject) -> Iterator[Observation]:
    """The file system with /boot has no feature that GRUB does not know.

    Why: GRUB reads the file system with a driver of its own, which refuses features that it does not know. The server
    stops at a prompt: "error: unknown filesystem". New mkfs programs switch features on that old GRUBs refuse.

    How: the features in the superblock of the volume with /boot are compared with those that GRUB refuses: inline_data,
    ea_inode, casefold, bigalloc of ext4, and newer ones of XFS, always; metadata_csum_seed, large_dir, bigtime and
    nrext64 where the guest's GRUB package is older than 2.06. Skipped where neither firmware starts GRUB.

    Fix: make the file system without the feature, or give /boot a small ext4 of its own.

    Source: GRUB, grub-core/fs/ext2.c and grub-core/fs/xfs.c; tried with grub-fstest 2.06-13+deb12u2.
    """
    if not _has_grub(subject):
        raise NotKnownError("the image does not boot by GRUB")
    volume = _boot_volume(subject)
    if volume.superblock is None:
        raise NotKnownError(f"the features of {volume.file_system} are not read")
    kind = "xfs" if volume.file_system == "xfs" else "ext"
    refused = _NEVER_READ[kind] + (_READ_SINCE_2_06[kind] if _is_grub_old(subject) else ())
    found = [feature for feature in volume.superblock.features if feature in refused]
    if found:
        yield Observation(
            "GRUB does not read the file system that holds /boot",
            observed=f"features {', '.join(found)}",
            expected="no feature that GRUB refuses",
            evidence=f"{place(volume)}, superblock",
        )


@check(
    "fs.type-byol",
    "the root has a file system that Bring Your Own Linux takes",
    Severity.ERROR,
    remedy="Build the image with its root on ext4 or XFS.",
    product=Product.BYOLINUX,
)
def type_byol(subject: Subject) -> Iterator[Observation]:
    """The only partition holds ext4, XFS, or btrfs without subvolumes.

    Why: the provider mounts the partition and copies its files to disks that it partitions itself. It takes these file
    systems and refuses others, once the server is in its rescue system.

    How: the signature of each partition of the image.

    Fix: build the image with its root on ext4 or XFS, without LVM or encryption below it.

    Source: OVHcloud guide Bring Your Own Linux, requirements of the image.
    """
    for volume in subject.volumes:
        if volume.file_system not in _BYOLINUX_FILE_SYSTEMS:
            yield Observation(
                "the provider does not take this file system for Bring Your Own Linux",
                observed=volume.file_system or "nothing known",
                expected="ext4, xfs, or btrfs without subvolumes",
                evidence=place(volume),
            )


def _has_grub(subject: Subject) -> bool:
    has_esp = bool(subject.esps) and isinstance(subject.esp.content, Known)
    programs = subject.esp_content.programs if has_esp else ()
    return subject.bios.kind is BootCodeKind.GRUB or any(program.kind is LoaderKind.GRUB for program in programs)


def _boot_volume(subject: Subject) -> Volume:
    by_point = {volume.mount_point: volume for volume in subject.guest.volumes}
    return by_point.get("/boot") or by_point["/"]


def _is_grub_old(subject: Subject) -> bool:
    """Whether the guest's GRUB is older than 2.06; packages that nobody could list count as new ones."""
    packages = subject.system.packages
    found = packages.value if isinstance(packages, Known) else {}
    return any(_GRUB_PACKAGE.fullmatch(name) and _OLD_GRUB.fullmatch(version) for name, version in found.items())
