"""Whether the root grows onto the server's disk."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_GROWABLE = ("ext2", "ext3", "ext4", "xfs", "btrfs")


@check(
    "fs.root-grow",
    "the guest can grow its root onto a larger disk",
    Severity.WARNING,
    remedy="Install what grows it: cloud-guest-utils (Debian, Ubuntu) or cloud-utils-growpart, and e2fsprogs or"
    " xfsprogs.",
    product=Product.BYOI,
)
def root_grow(subject: Subject) -> Iterator[Observation]:
    """The guest has a program that enlarges the root's partition, and one that enlarges its file system.

    Why: the image is written as it is onto a disk of hundreds of gigabytes. cloud-init enlarges the root at the first
    boot, but only with the programs that the guest has; without them the root stays as small as the image, without a
    message that anybody reads.

    How: `growpart` (or a configuration of systemd-repart) and `resize2fs`, `xfs_growfs` or `btrfs`, as the root needs
    it (or `x-systemd.growfs` in its fstab), are looked for. Whether the root is the last partition is told by
    ptable.last-is-growable.

    Fix: `apt-get install cloud-guest-utils e2fsprogs`, `dnf install cloud-utils-growpart xfsprogs`.

    Source: cloud-init, modules growpart and resizefs; systemd-repart(8).
    """
    root = subject.guest.volumes[0]
    if root.file_system not in _GROWABLE:
        raise NotKnownError(f"how a root on {root.file_system} grows is not known")
    storage = subject.storage
    missing = [
        what
        for what, found in (
            ("its partition (growpart)", storage.partition_growers),
            ("its file system", storage.file_system_growers),
        )
        if not found
    ]
    if missing:
        yield Observation(
            "the root stays as small as the image",
            observed=f"nothing in the guest enlarges {' and '.join(missing)}",
            expected="growpart, and the program that enlarges the file system",
            evidence=place(root),
        )
