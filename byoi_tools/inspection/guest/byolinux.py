"""Reads what the script of Bring Your Own Linux needs."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.shell_commands import Call, find_calls
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.byolinux import SCRIPT_PATH, BootScript, ByolinuxSetup, ScriptCall
from byoi_tools.model.guest.files import FileKind

_SCRIPT_BYTES = 128 * 1024
_FIRST_LINE_BYTES = 256
_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin")

_BOOT_PROGRAMS = frozenset(
    (
        *("efibootmgr", "grub-install", "grub2-install", "bootctl", "extlinux", "extlinux-install", "lilo", "limine"),
        *("update-grub", "update-grub2", "grub-mkconfig", "grub2-mkconfig", "grubby", "kernel-install"),
        *("update-initramfs", "mkinitramfs", "dracut", "mkinitcpio", "mkinitfs", "genkernel"),
        *("mdadm", "lvm", "vgchange", "zpool", "zgenhostid", "btrfs", "blkid", "systemd-machine-id-setup"),
    )
)
_PACKAGE_MANAGERS = frozenset(
    ("apt", "apt-get", "aptitude", "dnf", "microdnf", "yum", "zypper", "apk", "pacman", "emerge", "xbps-install")
)
_DOWNLOADERS = frozenset(("curl", "wget", "git", "pip", "pip3"))
_ALWAYS_WANTED = frozenset(("mdadm", "grub-install", "grub2-install", "bootctl"))
_GRUB_TARGETS = ("x86_64-efi", "i386-pc", "arm64-efi")
_RAID_HOOKS = (
    "/usr/share/initramfs-tools/hooks/mdadm",
    "/etc/initramfs-tools/hooks/mdadm",
    "/usr/lib/dracut/modules.d/90mdraid/module-setup.sh",
    "/usr/lib/dracut/modules.d/70mdraid/module-setup.sh",
)
_PLAIN_WORD = re.compile(r"-{0,2}[A-Za-z][A-Za-z-]{0,30}")
# A configuration, and what in it puts RAID into the initramfs: mkinitcpio's hook, mkinitfs's feature.
_RAID_SETTINGS = (
    ("/etc/mkinitcpio.conf", re.compile(r"^HOOKS=.*\bmdadm(?:_udev)?\b", re.M)),
    ("/etc/mkinitfs/mkinitfs.conf", re.compile(r"^features=.*\braid\b", re.M)),
)


def read_byolinux(context: GuestContext) -> ByolinuxSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    script = _script(tree)
    wanted = _ALWAYS_WANTED | {call.program for call in script.calls} if script else _ALWAYS_WANTED
    return ByolinuxSetup(
        script=script,
        programs=frozenset(name for name in wanted if _find_program(tree, name)),
        grub_targets=tuple(name for name in _GRUB_TARGETS if tree.is_directory(f"/usr/lib/grub/{name}")),
        efi_programs=_efi_programs(tree),
        raid_hooks=_raid_hooks(tree),
    )


def _script(tree: GuestTree) -> BootScript | None:
    status = tree.status(SCRIPT_PATH)
    content = tree.read(SCRIPT_PATH, _SCRIPT_BYTES)
    if status is None or status.kind is not FileKind.FILE or content is None:
        return None
    text = content.decode("utf-8", "replace")
    interpreter = _interpreter(tree, text)
    calls = find_calls(text, _BOOT_PROGRAMS | _PACKAGE_MANAGERS | _DOWNLOADERS)
    return BootScript(
        mode=status.mode,
        size_bytes=status.size_bytes,
        interpreter=interpreter,
        has_interpreter=bool(interpreter) and tree.is_file(interpreter),
        calls=tuple(ScriptCall(call.program, _harmless(call), call.line) for call in calls),
    )


def _harmless(call: Call) -> tuple[str, ...]:
    """The words of a call; none of a download, and only plain ones for a package manager: others may be secrets."""
    if call.program in _DOWNLOADERS:
        return ()
    if call.program in _PACKAGE_MANAGERS:
        return tuple(word for word in call.arguments if _PLAIN_WORD.fullmatch(word))[:4]
    return call.arguments


def _interpreter(tree: GuestTree, text: str) -> str:
    """What the kernel would start (execve(2)); a carriage return at the end of the line is part of the name."""
    first = text[:_FIRST_LINE_BYTES].split("\n", 1)[0]
    words = first[2:].strip(" \t").split(" ") if first.startswith("#!") else []
    words = [word for word in words if word]
    if not words:
        return ""
    if words[0].rpartition("/")[2] == "env" and len(words) > 1:
        name = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
        return _find_program(tree, name) or name if tree.is_file(words[0]) else words[0]
    return words[0]


def _find_program(tree: GuestTree, name: str) -> str | None:
    return next((path for path in (f"{d}/{name}" for d in _DIRECTORIES) if tree.is_file(path)), None)


def _efi_programs(tree: GuestTree) -> tuple[str, ...]:
    vendors = [f"/boot/efi/EFI/{name}" for name in tree.names("/boot/efi/EFI")[:32]]
    return tuple(path for vendor in vendors for path in tree.glob(vendor, "*.[eE][fF][iI]"))


def _raid_hooks(tree: GuestTree) -> tuple[str, ...]:
    settings = (path for path, mark in _RAID_SETTINGS if mark.search(tree.read_text(path, 64 * 1024) or ""))
    return (*(path for path in _RAID_HOOKS if tree.is_file(path)), *settings)
