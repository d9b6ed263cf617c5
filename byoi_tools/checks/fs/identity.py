"""The identities of file systems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.quoting import quote

_SHARED_BY_DESIGN = ("linux_raid_member", "btrfs", "zfs_member", "LVM2_member")


@check(
    "fs.dup-uuid",
    "no two file systems have the same UUID",
    Severity.ERROR,
    remedy="Give one of them another: tune2fs -U random, xfs_admin -U generate; then correct fstab and GRUB.",
)
def dup_uuid(subject: Subject) -> Iterator[Observation]:
    """Each UUID of a file system is there once.

    Why: fstab, the kernel command line and GRUB find the root by its UUID. With two of them it is chance which one is
    mounted, and it may differ from boot to boot. XFS refuses to mount the second one.

    How: the UUIDs in the superblocks of all partitions and logical volumes are compared. Members of one array or of one
    btrfs share theirs by design.

    Fix: `tune2fs -U random` or `xfs_admin -U generate` on the copy that is not the root, then correct what names it.

    Source: fstab(5); mount(8), option nouuid of xfs.
    """
    named = [v for v in subject.volumes if v.uuid and v.file_system not in _SHARED_BY_DESIGN]
    for uuid, group in groupby(sorted(named, key=_uuid), key=_uuid):
        places = [place(volume) for volume in group]
        if len(places) > 1:
            yield Observation(
                "several file systems have the same UUID",
                observed=f"{quote(uuid)} on {len(places)} of them",
                expected="a UUID of its own for each",
                evidence="; ".join(places),
            )


def _uuid(volume: Volume) -> str:
    return volume.uuid.lower()
