"""Reads what lets the root grow, and whether SELinux will find its labels."""

from __future__ import annotations

from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.storage import Selinux, Storage

_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_PARTITION_GROWERS = ("growpart", "growpart-dumb", "gpart")
_FILE_SYSTEM_GROWERS = {
    "ext2": ("resize2fs",),
    "ext3": ("resize2fs",),
    "ext4": ("resize2fs",),
    "xfs": ("xfs_growfs",),
    "btrfs": ("btrfs",),
}
_REPART = ("/etc/repart.d", "/usr/lib/repart.d")
_LABEL = "security.selinux"
_EDITED_FIRST = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/fstab",
    "/etc/hostname",
    "/etc/ssh/sshd_config",
    "/etc/selinux/config",
)
"""What tools that edit an image offline write to, and a login needs."""


def read_storage(context: GuestContext) -> Storage:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    root = next((volume for volume in context.volumes if volume.mount_point == "/"), None)
    return Storage(
        partition_growers=(*_programs(tree, _PARTITION_GROWERS), *_repart(tree)),
        file_system_growers=(
            *_programs(tree, _FILE_SYSTEM_GROWERS.get(root.file_system if root else "", ())),
            *_growfs(tree),
        ),
        selinux=_selinux(tree),
    )


def _programs(tree: GuestTree, names: tuple[str, ...]) -> tuple[str, ...]:
    found = (
        next((path for path in (f"{where}/{name}" for where in _DIRECTORIES) if tree.is_file(path)), "")
        for name in names
    )
    return tuple(path for path in found if path)


def _repart(tree: GuestTree) -> tuple[str, ...]:
    """systemd-repart grows partitions that its configuration names; the newer programs do it in the initramfs too."""
    return tuple(path for where in _REPART for path in tree.glob(where, "*.conf"))[:1]


def _growfs(tree: GuestTree) -> tuple[str, ...]:
    """An fstab that has systemd grow the root (systemd.mount(5), x-systemd.growfs)."""
    entries = read_fstab(tree.read_text("/etc/fstab") or "")
    is_asked = any(entry.mount_point == "/" and "x-systemd.growfs" in entry.options for entry in entries)
    return ("/etc/fstab",) if is_asked else ()


def _selinux(tree: GuestTree) -> Selinux | None:
    settings = read_shell_assignments(tree.read_text("/etc/selinux/config") or "")
    if settings.get("SELINUX", "").lower() != "enforcing":
        return None
    present = (path for path in _EDITED_FIRST if tree.is_file(path))
    unlabelled = tuple(path for path in present if _LABEL not in tree.attributes(path))
    return Selinux(unlabelled, will_relabel=tree.status("/.autorelabel") is not None)
