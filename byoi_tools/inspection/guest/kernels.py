"""Reads: kernels, their modules, firmware and initramfs images."""

from __future__ import annotations

from byoi_tools.formats.kernel_modules import read_built_in_options
from byoi_tools.formats.linux_kernel import HEAD_BYTES, read_kernel
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.initramfs import INITRAMFS_LIMIT_BYTES, read_initramfs
from byoi_tools.inspection.guest.kernel_files import (
    KernelFile,
    find_initramfs,
    find_kernels,
    find_links,
    find_microcode_images,
)
from byoi_tools.inspection.guest.modprobe import read_blacklist
from byoi_tools.inspection.guest.module_tree import module_versions, read_firmware, read_module_tree
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.esp import LoaderKind
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernels import Kernel, KernelImage, Kernels, version_key

_KERNEL_LIMIT = 8
_OPENED_LIMIT = 3
_CONFIG_LIMIT_BYTES = 4 << 20
_ESP_KINDS = (LoaderKind.UKI, LoaderKind.LINUX)


def read_kernels(context: GuestContext) -> Kernels:
    """Return the facts of this domain; raises what the context's tree raises.

    Of more than eight kernels the eldest are left out. Of the newest, and of those that a symlink names, up to three
    get their initramfs opened; for the others it is not examined.
    """
    tree = context.tree
    links = find_links(tree)
    linked = {link.resolved for link in links}
    read = [_read(tree, file) for file in find_kernels(tree)]
    ordered = sorted(read, key=lambda one: (one[1] in linked, _age(one[0], one[1])), reverse=True)[:_KERNEL_LIMIT]
    kernels = [
        _complete(tree, version, path, size, image, is_opened=number < _OPENED_LIMIT)
        for number, (version, path, size, image) in enumerate(ordered)
    ]
    return Kernels(
        kernels=tuple(sorted(kernels, key=lambda kernel: _age(kernel.version, kernel.path), reverse=True)),
        on_esp=_on_esp(context),
        links=links,
        module_versions=module_versions(tree),
        firmware=read_firmware(tree),
        blacklisted=read_blacklist(tree),
        microcode_images=find_microcode_images(tree),
    )


def _read(tree: GuestTree, file: KernelFile) -> tuple[str, str, int, KernelImage | None]:
    image = read_kernel(tree.read(file.path, HEAD_BYTES) or b"")
    return (image.release if image and image.release else file.version), file.path, file.size_bytes, image


def _age(version: str, path: str) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
    return "rescue" not in path, version_key(version)


def _complete(
    tree: GuestTree, version: str, path: str, size_bytes: int, image: KernelImage | None, *, is_opened: bool
) -> Kernel:
    modules = read_module_tree(tree, version)
    initramfs_path = find_initramfs(tree, path, version)
    return Kernel(
        path=path,
        version=version,
        size_bytes=size_bytes,
        image=image,
        options=_options(tree, version),
        modules=modules,
        initramfs_path=initramfs_path,
        initramfs=_initramfs(tree, initramfs_path, is_opened=is_opened),
    )


def _options(tree: GuestTree, version: str) -> Fact[frozenset[str]]:
    for path in (f"/boot/config-{version}", f"/lib/modules/{version}/config"):
        text = tree.read_text(path, _CONFIG_LIMIT_BYTES)
        if text is not None:
            return Known(read_built_in_options(text))
    return NotExamined("the guest has no configuration of this kernel (/boot/config-*)")


def _initramfs(tree: GuestTree, path: str, *, is_opened: bool) -> Fact[Initramfs | None]:
    status = tree.status(path) if path else None
    if status is None:
        return Known(None)
    if not is_opened:
        return NotExamined(f"only {_OPENED_LIMIT} initramfs images of a guest are opened")
    if status.size_bytes > INITRAMFS_LIMIT_BYTES:
        return NotExamined(f"the initramfs is larger than {INITRAMFS_LIMIT_BYTES >> 20} MiB")
    return read_initramfs(path, tree.read(path, INITRAMFS_LIMIT_BYTES) or b"")


def _on_esp(context: GuestContext) -> tuple[str, ...]:
    programs = [
        program.path
        for esp in context.esps
        if isinstance(esp.content, Known)
        for program in esp.content.value.programs
        if program.kind in _ESP_KINDS
    ]
    return tuple(programs)
