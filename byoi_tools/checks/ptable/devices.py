"""What spreads over several devices."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity


@check(
    "ptable.multi-disk",
    "nothing in the image needs another disk",
    Severity.ERROR,
    remedy="Build the image on one disk: take the other one out (vgreduce, btrfs device remove), or copy the files.",
)
def multi_disk(subject: Subject) -> Iterator[Observation]:
    """Every volume group, array and btrfs has all of its devices in the image.

    Why: the image becomes one disk of the server. A volume group or array that was made of several disks waits for the
    others, the root is never assembled, and the boot ends in an emergency shell.

    How: the metadata of LVM, of md arrays (version 1; a mirror runs with one copy and counts as complete) and of btrfs
    say of how many devices they are made; as many must be among the image's partitions.

    Fix: build the image on one disk. On the machine it was made from, `vgreduce` or `btrfs device remove` takes a
    disk out.

    Source: lvm(8), mdadm(8), btrfs-device(8); Google's and AWS's image imports accept one disk only.
    """
    for volume in subject.volumes:
        if volume.missing_devices:
            yield Observation(
                "a volume is made of more devices than the image has",
                observed=f"{volume.missing_devices} of its devices are not in the image",
                expected="all of its devices in the image",
                evidence=place(volume),
            )
