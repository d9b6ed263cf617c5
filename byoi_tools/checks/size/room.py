"""The room that is left in the guest's file systems."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.sizes import exact_size

_FREE_BYTES = {"/": 8 * 2**20, "/var": 8 * 2**20, "/boot": 1 * 2**20}
_FREE_INODES = 100


@check(
    "size.root-free",
    "the first boot has room to write",
    Severity.WARNING,
    remedy="Make the file system larger before the image is made, or delete what is not needed (apt-get clean).",
)
def root_free(subject: Subject) -> Iterator[Observation]:
    """The root and /var have 8 MiB free, /boot 1 MiB, and each of them 100 inodes.

    Why: the first boot writes before the root is enlarged: host keys of SSH, the state of cloud-init, the journal,
    users and their keys. With a full root the growth itself fails ("No space left on device"), and the server
    comes up without the customer's key.

    How: the free blocks and inodes in the superblocks of ext2, ext3, ext4 and XFS. XFS makes inodes as it needs them.

    Fix: make the file system larger, or delete caches (`apt-get clean`, `dnf clean all`) before the image is made.

    Source: cloud-init's growpart fails on a full disk; virt-v2v refuses guests with too little room (its limits are for
    a conversion, and higher).
    """
    for volume in subject.guest.volumes:
        if volume.superblock is None or volume.mount_point not in _FREE_BYTES:
            continue
        superblock, wanted = volume.superblock, _FREE_BYTES[volume.mount_point]
        if superblock.free_bytes < wanted:
            yield _full(volume, exact_size(superblock.free_bytes), exact_size(wanted))
        if superblock.free_inodes is not None and superblock.free_inodes < _FREE_INODES:
            yield _full(volume, f"{superblock.free_inodes} inodes", f"{_FREE_INODES} inodes")


def _full(volume: Volume, free: str, wanted: str) -> Observation:
    return Observation(
        "a file system of the guest is full, or nearly so",
        observed=f"{free} free",
        expected=f"at least {wanted} free",
        evidence=f"{place(volume)}, superblock",
    )
