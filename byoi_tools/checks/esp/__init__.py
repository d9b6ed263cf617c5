"""The EFI system partition and the loaders in it, in the order in which a server comes to them."""
# The catalogue takes the checks from here, in this order.
# ruff: noqa: F401, I001

from __future__ import annotations

from byoi_tools.checks.esp.systems import boot_mode_support
from byoi_tools.checks.esp.partition import present, single, on_mbr
from byoi_tools.checks.esp.volume import fat_valid, fat_type, fat_dirty, sector_size, size_free
from byoi_tools.checks.esp.loader import loader_declared, loader_suggest, fallback, nvram_dependence
from byoi_tools.checks.esp.program import pe_valid, pe_arch
from byoi_tools.checks.esp.shim import shim_pair, shim_mm_fb, csv_valid
from byoi_tools.checks.esp.grub import grub_stub, grub_path_consistency
from byoi_tools.checks.esp.systemd_boot import sdboot_entries
from byoi_tools.checks.esp.program import uki_valid, uki_path
from byoi_tools.checks.esp.systems import windows, freebsd
from byoi_tools.checks.esp.loader import stale_vendor_dirs
