"""Legacy boot, in the order in which it happens: boot code, core image, configuration."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.bios.code import mbr_code, mbr_code_kind, grub_core, bios_boot_part, gap_size
from byoi_tools.checks.bios.configuration import grub_prefix, device_map, syslinux, root_same_disk
from byoi_tools.checks.bios.code import hybrid_ok

__all__ = [
    "bios_boot_part",
    "device_map",
    "gap_size",
    "grub_core",
    "grub_prefix",
    "hybrid_ok",
    "mbr_code",
    "mbr_code_kind",
    "root_same_disk",
    "syslinux",
]
