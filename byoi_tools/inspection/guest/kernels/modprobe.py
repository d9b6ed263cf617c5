"""Reads which modules modprobe is told not to load (kmod, modprobe.d(5))."""

from __future__ import annotations

from byoi_tools.formats.guest_files.modprobe_config import read_blacklisted
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.kernels import Blacklisting

_DIRECTORIES = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)
_FILE_LIMIT = 200


def read_blacklist(tree: GuestTree) -> tuple[Blacklisting, ...]:
    """Every module that a file of modprobe.d keeps away; a file of /etc replaces one of the same name elsewhere."""
    paths: dict[str, str] = {}
    for directory in _DIRECTORIES:
        for path in tree.glob(directory, "*.conf")[:_FILE_LIMIT]:
            paths.setdefault(path.rpartition("/")[2], path)
    return tuple(
        Blacklisting(module, f"{path} line {line}")
        for path in paths.values()
        for module, line in read_blacklisted(tree.read_text(path) or "")
    )
