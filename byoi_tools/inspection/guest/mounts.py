"""Reads what the guest mounts at boot, and which devices the image has for it."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.volumes.devices import known_devices
from byoi_tools.model.guest.mounts import FstabEntry, Mounts

_RESUME_FILE = "/etc/initramfs-tools/conf.d/resume"
_RESUME = re.compile(r"^[ \t]*RESUME=[\"']?([^\"'\s#]*)", re.MULTILINE)


def read_mounts(context: GuestContext) -> Mounts:
    """Return the facts of this domain; raises what the context's tree raises."""
    fstab = read_fstab(context.tree.read_text("/etc/fstab") or "")
    resume = _RESUME.findall(context.tree.read_text(_RESUME_FILE) or "")
    return Mounts(
        fstab=fstab,
        devices=known_devices(context),
        missing_files=tuple(entry.source for entry in fstab if _is_missing_swap_file(context.tree, entry)),
        resume=resume[-1] if resume else "",
        resume_place=_RESUME_FILE if resume else "",
    )


def _is_missing_swap_file(tree: GuestTree, entry: FstabEntry) -> bool:
    is_file = entry.is_swap and entry.source.startswith("/") and not entry.source.startswith("/dev/")
    return is_file and not tree.is_file(entry.source)
