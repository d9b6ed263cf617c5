"""The file systems of the guest: whether they can be read, mounted, written and grown."""

from __future__ import annotations

from byoi_tools.checks.fs.growth import root_grow
from byoi_tools.checks.fs.identity import dup_uuid
from byoi_tools.checks.fs.kind import features, type_byol
from byoi_tools.checks.fs.labels import selinux_relabel
from byoi_tools.checks.fs.state import clean, lvm_luks, readable
from byoi_tools.checks.fs.subvolumes import btrfs_subvol

__all__ = [
    "btrfs_subvol",
    "clean",
    "dup_uuid",
    "features",
    "lvm_luks",
    "readable",
    "root_grow",
    "selinux_relabel",
    "type_byol",
]
