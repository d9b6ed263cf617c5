"""The EFI system partition and the loaders in it, in the order in which a server comes to them."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.esp.systems import boot_mode_support
from byoi_tools.checks.esp.partition import present, single, on_mbr
from byoi_tools.checks.esp.volume import fat_valid, fat_type, fat_dirty, sector_size, size_free
from byoi_tools.checks.esp.loader import loader_declared, loader_suggest, fallback, nvram_dependence
from byoi_tools.checks.esp.program import pe_valid, pe_arch
from byoi_tools.checks.esp.shim import shim_pair, shim_mm_fb, csv_valid
from byoi_tools.checks.esp.grub import grub_stub, grub_path_consistency
from byoi_tools.checks.esp.grub_target import grub_stub_target
from byoi_tools.checks.esp.systemd_boot import sdboot_entries
from byoi_tools.checks.esp.program import uki_valid, uki_path
from byoi_tools.checks.esp.systems import windows, freebsd
from byoi_tools.checks.esp.mounting import fstab_id
from byoi_tools.checks.esp.secure_boot import secureboot_signed, secureboot_chain, sbat
from byoi_tools.checks.esp.loader import stale_vendor_dirs

__all__ = [
    "boot_mode_support",
    "csv_valid",
    "fallback",
    "fat_dirty",
    "fat_type",
    "fat_valid",
    "freebsd",
    "fstab_id",
    "grub_path_consistency",
    "grub_stub",
    "grub_stub_target",
    "loader_declared",
    "loader_suggest",
    "nvram_dependence",
    "on_mbr",
    "pe_arch",
    "pe_valid",
    "present",
    "sbat",
    "sdboot_entries",
    "sector_size",
    "secureboot_chain",
    "secureboot_signed",
    "shim_mm_fb",
    "shim_pair",
    "single",
    "size_free",
    "stale_vendor_dirs",
    "uki_path",
    "uki_valid",
    "windows",
]
