"""How the boot behaves when nobody watches: consoles, menus, and what the system does by default."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.boot.system import installer_media, multi_os
from byoi_tools.checks.boot.console import console_order, console_none, quiet
from byoi_tools.checks.boot.menu import grub_timeout, grub_password
from byoi_tools.checks.boot.system import emergency_locked, default_target, rtc, ostree_bootc, zfs_hostid

__all__ = [
    "console_none",
    "console_order",
    "default_target",
    "emergency_locked",
    "grub_password",
    "grub_timeout",
    "installer_media",
    "multi_os",
    "ostree_bootc",
    "quiet",
    "rtc",
    "zfs_hostid",
]
