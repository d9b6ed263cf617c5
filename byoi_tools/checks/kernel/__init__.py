"""The kernel that the server would start: whether it is there, whole, and made for such a machine."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.kernel.files import present, symlink_ok, modules_dir
from byoi_tools.checks.kernel.default_entry import default_exists, cmdline_root
from byoi_tools.checks.kernel.kind import flavour, arch, xen_pv, debug, efistub

__all__ = [
    "arch",
    "cmdline_root",
    "debug",
    "default_exists",
    "efistub",
    "flavour",
    "modules_dir",
    "present",
    "symlink_ok",
    "xen_pv",
]
