"""Bring Your Own Linux: the image that the provider copies from, and the script that makes the copy bootable."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.byol.image import one_partition, qcow2_only, fs_type
from byoi_tools.checks.byol.script import script_present, script_executable, script_no_nvram
from byoi_tools.checks.byol.needs import script_dns_mdadm, tools, initramfs_md
from byoi_tools.checks.byol.image import fstab_empty_ok

__all__ = [
    "fs_type",
    "fstab_empty_ok",
    "initramfs_md",
    "one_partition",
    "qcow2_only",
    "script_dns_mdadm",
    "script_executable",
    "script_no_nvram",
    "script_present",
    "tools",
]
