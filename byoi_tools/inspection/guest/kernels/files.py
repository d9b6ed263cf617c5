"""Finds the kernels and the initramfs images of a guest by the names that distributions give them."""

from __future__ import annotations

import re

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.kernels import KernelLink, is_microcode_image

_KERNEL_NAME = re.compile(r"(?:vmlinuz|vmlinux|bzImage|kernel|Image|linux)(?:-(.+))?")
_MODULES = "/lib/modules"
_ENTRY_LIMIT = 256
_ENTRY_POINTS = ("/boot", "/boot/efi", "/efi")
_LINKS = (
    "/boot/vmlinuz",
    "/vmlinuz",
    "/boot/initrd.img",
    "/initrd.img",
    "/boot/initrd",
    "/boot/vmlinuz.old",
    "/vmlinuz.old",
    "/boot/initrd.img.old",
    "/initrd.img.old",
)


@dataclass(frozen=True, slots=True)
class KernelFile:
    """A regular file that is named like a kernel; `version` is what its name or its directory says, or empty."""

    path: str
    version: str
    size_bytes: int


def find_kernels(tree: GuestTree) -> tuple[KernelFile, ...]:
    """The kernels in /boot, in entry directories (`/boot/TOKEN/VERSION/linux`), and in module directories.

    One in a module directory is left out where /boot has a kernel of its version.
    """
    found = [*_in_boot(tree), *_in_entry_directories(tree)]
    versions = {file.version for file in found}
    return (*found, *(file for file in _in_module_directories(tree) if file.version not in versions))


def find_links(tree: GuestTree) -> tuple[KernelLink, ...]:
    """The well-known symlinks to kernels and initramfs images that are there."""
    links = [(path, tree.read_link(path)) for path in _LINKS]
    return tuple(KernelLink(path, target, tree.resolve(path) or "") for path, target in links if target is not None)


def find_initramfs(tree: GuestTree, kernel: str, version: str) -> str:
    """The initramfs that belongs to the kernel at a path, by the names of Debian, dracut, SUSE, Arch and Alpine."""
    directory, _, name = kernel.rpartition("/")
    match = _KERNEL_NAME.fullmatch(name)
    suffixes = dict.fromkeys((match.group(1) if match and match.group(1) else version, version))
    names = [
        pattern.format(suffix)
        for suffix in suffixes
        if suffix
        for pattern in ("initrd.img-{}", "initramfs-{}.img", "initrd-{}", "initrd-{}.img", "initramfs-{}")
    ]
    names += ["initrd", "initramfs.img"] if directory != "/boot" else []
    candidates = [f"{place}/{each}" for place in dict.fromkeys((directory, "/boot")) for each in names]
    return next((path for path in candidates if tree.is_file(path)), "")


def find_microcode_images(tree: GuestTree) -> tuple[str, ...]:
    """Images of microcode updates that a loader hands over beside the initramfs."""
    return tuple(f"/boot/{name}" for name in tree.names("/boot") if is_microcode_image(name))


def _in_boot(tree: GuestTree) -> list[KernelFile]:
    found = []
    for entry in tree.entries("/boot"):
        match = _KERNEL_NAME.fullmatch(entry.name)
        if match and entry.status.kind is FileKind.FILE:
            found.append(KernelFile(f"/boot/{entry.name}", match.group(1) or "", entry.status.size_bytes))
    return found[:_ENTRY_LIMIT]


def _in_entry_directories(tree: GuestTree) -> list[KernelFile]:
    """What kernel-install(8) makes where a partition holds entries of the Boot Loader Specification."""
    found = []
    for point in _ENTRY_POINTS:
        tokens = tree.names(point)[:_ENTRY_LIMIT] if tree.is_directory(f"{point}/loader/entries") else ()
        for token in tokens:
            if token.lower() in ("grub", "grub2", "loader", "efi"):
                continue
            for version in tree.names(f"{point}/{token}")[:_ENTRY_LIMIT]:
                status = tree.status(f"{point}/{token}/{version}/linux")
                if status and status.kind is FileKind.FILE:
                    found.append(KernelFile(f"{point}/{token}/{version}/linux", version, status.size_bytes))
    return found


def _in_module_directories(tree: GuestTree) -> list[KernelFile]:
    found = []
    for version in tree.names(_MODULES)[:_ENTRY_LIMIT]:
        status = tree.status(f"{_MODULES}/{version}/vmlinuz")
        if status and status.kind is FileKind.FILE:
            found.append(KernelFile(f"{_MODULES}/{version}/vmlinuz", version, status.size_bytes))
    return found
