"""The server that is named, as the provider's API describes it: does it take and boot this image?"""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.target.machine import boot_mode, arch, ram
from byoi_tools.checks.target.disks import disk_size, disk_group, raid_controller, secondary_disks
from byoi_tools.checks.target.partitions import partitioning
from byoi_tools.checks.target.state import compatible_template, current_tasks, rescue_mode, monitoring, uefi_vars_stale

__all__ = [
    "arch",
    "boot_mode",
    "compatible_template",
    "current_tasks",
    "disk_group",
    "disk_size",
    "monitoring",
    "partitioning",
    "raid_controller",
    "ram",
    "rescue_mode",
    "secondary_disks",
    "uefi_vars_stale",
]
