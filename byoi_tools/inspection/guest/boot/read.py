"""Reads how the guest boots: every boot chain of the image, and the settings around it."""

from __future__ import annotations

from byoi_tools.formats.grub.arguments import read_environment
from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.boot.chains import follow_all
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.inspection.guest.boot.syslinux import find_syslinux
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.boot import BootSetup, Setting
from byoi_tools.model.guest.files import FileKind

MAXIMUM_LINES = 200
_GRUB_DIRECTORIES = ("/boot/grub", "/boot/grub2")
_UNIT_DIRECTORIES = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_INSTALLERS = ("/casper", "/live/filesystem.squashfs", "/.disk/info", "/run/initramfs/live", "/LiveOS")
_INSTALLERS_INSIDE = ("/usr/sbin/anaconda", "/usr/bin/ubiquity", "/usr/bin/calamares", "/cdrom/.disk")
_ZFS = ("/usr/sbin/zpool", "/sbin/zpool", "/usr/bin/zpool")
_OSTREE = "/ostree/deploy"
_FORCED_SHELL = "SYSTEMD_SULOGIN_FORCE=1"


def read_boot(context: GuestContext) -> BootSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    places = BootPlaces(context, read_fstab(tree.read_text("/etc/fstab") or ""))
    syslinux = find_syslinux(places)
    return BootSetup(
        chains=follow_all(context, places, syslinux),
        grub_defaults=_grub_defaults(tree),
        grub_environment=_grub_environment(tree),
        device_map=_device_map(tree),
        syslinux=syslinux,
        default_target=_default_target(tree),
        has_display_manager=_unit_exists(tree, "display-manager.service"),
        is_clock_local=(tree.read_text("/etc/adjtime") or "").split("\n")[2:3] == ["LOCAL"],
        is_emergency_shell_forced=_is_shell_forced(tree),
        installer_marks=tuple(path for path in (*_INSTALLERS, *_INSTALLERS_INSIDE) if tree.status(path) is not None),
        ostree_deployments=tree.names(_OSTREE),
        host_id="/etc/hostid" if tree.is_file("/etc/hostid") and any(map(tree.is_file, _ZFS)) else "",
    )


def _grub_defaults(tree: GuestTree) -> tuple[Setting, ...]:
    """The settings of grub-mkconfig, in the order in which it reads them."""
    paths = ["/etc/default/grub", *tree.glob("/etc/default/grub.d", "*.cfg")[:MAXIMUM_LINES]]
    return tuple(
        Setting(name, value, path)
        for path in paths
        for name, value in read_shell_assignments(tree.read_text(path) or "").items()
    )


def _grub_environment(tree: GuestTree) -> tuple[Setting, ...]:
    paths = [f"{directory}/grubenv" for directory in _GRUB_DIRECTORIES]
    return tuple(
        Setting(name, value, path) for path in paths for name, value in read_environment(tree.read_text(path) or "")
    )


def _device_map(tree: GuestTree) -> tuple[Setting, ...]:
    """The lines of device.map: GRUB's name of a disk and the guest's."""
    lines = [
        (line.split(), f"{directory}/device.map")
        for directory in _GRUB_DIRECTORIES
        for line in (tree.read_text(f"{directory}/device.map") or "").split("\n")[:MAXIMUM_LINES]
    ]
    return tuple(
        Setting(words[0], words[1], path) for words, path in lines if len(words) == 2 and words[0].startswith("(")
    )


def _default_target(tree: GuestTree) -> str:
    """The unit that default.target is a link to, or its own name; empty without systemd."""
    for directory in _UNIT_DIRECTORIES:
        status = tree.link_status(f"{directory}/default.target")
        if status is not None:
            target = tree.read_link(f"{directory}/default.target") if status.kind is FileKind.SYMLINK else None
            return (target or "default.target").rpartition("/")[2]
    return ""


def _unit_exists(tree: GuestTree, name: str) -> bool:
    return any(tree.link_status(f"{directory}/{name}") is not None for directory in _UNIT_DIRECTORIES)


def _is_shell_forced(tree: GuestTree) -> bool:
    """Whether emergency mode gives a shell without a password (systemd-sulogin-shell(8))."""
    paths = [
        path
        for unit in ("emergency.service.d", "rescue.service.d")
        for path in tree.glob(f"/etc/systemd/system/{unit}", "*.conf")
    ]
    return any(_FORCED_SHELL in (tree.read_text(path) or "") for path in paths)
