"""Recognises what lies on a partition by its magic, under the names that `blkid` of util-linux gives (libblkid)."""

from __future__ import annotations

from collections.abc import Callable

from byoi_tools.formats.filesystems.linux_signatures import (
    read_btrfs,
    read_ext,
    read_f2fs,
    read_luks,
    read_lvm,
    read_raid,
    read_squashfs,
    read_swap,
    read_xfs,
)
from byoi_tools.formats.filesystems.other_signatures import (
    read_exfat,
    read_fat,
    read_iso9660,
    read_ntfs,
    read_ufs,
    read_zfs,
)
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.disk import FileSystemSignature

_READERS: tuple[Callable[[ByteSource], FileSystemSignature | None], ...] = (
    read_raid,
    read_lvm,
    read_luks,
    read_fat,
    read_swap,
    read_xfs,
    read_ext,
    read_ntfs,
    read_iso9660,
    read_zfs,
    read_ufs,
    read_squashfs,
    read_btrfs,
    read_f2fs,
    read_exfat,
)


def read_signature(source: ByteSource) -> FileSystemSignature | None:
    """Return what a partition or disk holds, or None when nothing known is found.

    Where several match, the order is libblkid's: what stacks on devices (RAID, LVM, LUKS) before file systems. Never
    raises for content, and reads at most about a mebibyte.
    """
    return next((found for reader in _READERS if (found := reader(source)) is not None), None)
