"""The programs that the simulator judges and writes images with."""

from __future__ import annotations

from byoi_tools.rehearsal import programs

_NEEDED = ("prlimit", "qemu-img", "blkid", "sgdisk", "sfdisk", "mdir", "xorriso", "debugfs")
_REMEDY = "Debian: apt-get install qemu-utils gdisk fdisk util-linux mtools xorriso e2fsprogs"


def require_programs() -> None:
    """Raise `ToolMissing` unless everything that an installation runs is installed."""
    programs.require_programs(_NEEDED, who="The simulator", remedy=_REMEDY)
