"""Reads the kernels, their modules, firmware and initramfs images."""

from __future__ import annotations

from concurrent.futures import Executor, Future

from byoi_tools.formats.arriving import Arriving
from byoi_tools.formats.boot.linux_kernel import HEAD_BYTES, read_kernel
from byoi_tools.formats.guest_files.kernel_modules import read_built_in_options
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.kernels.files import (
    KernelFile,
    find_initramfs,
    find_kernels,
    find_links,
    find_microcode_images,
)
from byoi_tools.inspection.guest.kernels.initramfs import INITRAMFS_LIMIT_BYTES, read_initramfs
from byoi_tools.inspection.guest.kernels.loaded_initrds import LoadedInitrds
from byoi_tools.inspection.guest.kernels.modprobe import read_blacklist
from byoi_tools.inspection.guest.kernels.module_tree import module_versions, read_firmware, read_module_tree
from byoi_tools.inspection.guest.kernels.unified import UnifiedKernel, find_unified, read_unified
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernels import Kernel, KernelImage, KernelLink, Kernels, version_key

_KERNEL_LIMIT = 8
_OPENED_LIMIT = 3
_CONFIG_LIMIT_BYTES = 4 << 20
_ESP_KINDS = (LoaderKind.UKI, LoaderKind.LINUX)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A kernel as far as its own file tells."""

    path: str
    version: str
    size_bytes: int
    image: KernelImage | None


@dataclass(frozen=True, slots=True)
class BegunKernels:
    """The kernels by their own files, those first that count; the first one's initramfs is being listed meanwhile."""

    links: tuple[KernelLink, ...]
    drafts: tuple[_Draft, ...]
    first_initramfs: Future[Fact[Initramfs | None]] | None


def begin_kernels(tree: GuestTree, aside: Executor) -> BegunKernels:
    """Find the kernels, and let the first one's initramfs be opened aside: that takes as long as all else of a guest.

    Of more than eight kernels the eldest are left out. Raises what the tree raises.
    """
    links = find_links(tree)
    linked = {link.resolved for link in links}
    drafts = [_draft(tree, file) for file in find_kernels(tree)]
    drafts.sort(key=lambda draft: (draft.path in linked, _age(draft.path, draft.version)), reverse=True)
    return BegunKernels(links, tuple(drafts[:_KERNEL_LIMIT]), _open_aside(tree, drafts[0], aside) if drafts else None)


def read_kernels(context: GuestContext, begun: BegunKernels, loaded: LoadedInitrds) -> Kernels:
    """Return the facts of this domain; raises what the context's tree raises.

    The initramfs of a kernel is the one that a boot loader gives it, else the one that is named after it. Of the
    newest kernels, and of those that a symlink names, up to three get theirs opened; for the others it is not examined.
    """
    tree, links = context.tree, begun.links
    kernels = [
        _complete(tree, draft, loaded, None if number else begun.first_initramfs, is_opened=number < _OPENED_LIMIT)
        for number, draft in enumerate(begun.drafts)
    ]
    kernels += [_unified(tree, found) for path in find_unified(tree) if (found := read_unified(tree, path))]
    return Kernels(
        kernels=tuple(sorted(kernels, key=lambda kernel: _age(kernel.path, kernel.version), reverse=True)),
        on_esp=_on_esp(context),
        links=links,
        module_versions=module_versions(tree),
        firmware=read_firmware(tree),
        blacklisted=read_blacklist(tree),
        microcode_images=find_microcode_images(tree),
    )


def _draft(tree: GuestTree, file: KernelFile) -> _Draft:
    image = read_kernel(tree.read(file.path, HEAD_BYTES) or b"")
    return _Draft(file.path, image.release if image and image.release else file.version, file.size_bytes, image)


def _age(path: str, version: str) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
    """Compares as the boot loaders' own order does, rescue kernels before all others."""
    return "rescue" not in path, version_key(version)


def _open_aside(tree: GuestTree, draft: _Draft, aside: Executor) -> Future[Fact[Initramfs | None]] | None:
    """Read the initramfs here, so that nobody waits for anybody on the way to it; what comes is decompressed there."""
    path = find_initramfs(tree, draft.path, draft.version)
    status = tree.status(path) if path else None
    if status is None or status.size_bytes > INITRAMFS_LIMIT_BYTES:
        return None
    content = Arriving()
    opened = aside.submit(read_initramfs, path, content)
    content.receive(tree.pieces(path, INITRAMFS_LIMIT_BYTES))
    return opened


def _complete(
    tree: GuestTree,
    draft: _Draft,
    loaded: LoadedInitrds,
    begun: Future[Fact[Initramfs | None]] | None,
    *,
    is_opened: bool,
) -> Kernel:
    named = find_initramfs(tree, draft.path, draft.version)
    path = loaded.of_kernel(tree, draft.path, named)
    return Kernel(
        path=draft.path,
        version=draft.version,
        size_bytes=draft.size_bytes,
        image=draft.image,
        options=_options(tree, draft.version),
        modules=read_module_tree(tree, draft.version),
        initramfs_path=path,
        initramfs=_opened(tree, path, begun, is_begun=path == named, is_opened=is_opened),
    )


def _opened(
    tree: GuestTree, path: str, begun: Future[Fact[Initramfs | None]] | None, *, is_begun: bool, is_opened: bool
) -> Fact[Initramfs | None]:
    """The initramfs at a path; the one that was begun is waited for in any case: two take too much memory."""
    first = begun.result() if begun else None
    return first if first is not None and is_begun else _initramfs(tree, path, is_opened=is_opened)


def _unified(tree: GuestTree, found: UnifiedKernel) -> Kernel:
    return Kernel(
        path=found.path,
        version=found.version,
        size_bytes=found.kernel_size_bytes,
        image=found.image,
        options=_options(tree, found.version),
        modules=read_module_tree(tree, found.version),
        initramfs_path=found.path if found.initramfs else "",
        initramfs=read_initramfs(found.path, Memory(found.initramfs)) if found.initramfs else Known(None),
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
    content = Arriving()
    content.receive(tree.pieces(path, INITRAMFS_LIMIT_BYTES))
    return read_initramfs(path, content)


def _on_esp(context: GuestContext) -> tuple[str, ...]:
    programs = [
        program.path
        for esp in context.esps
        if isinstance(esp.content, Known)
        for program in esp.content.value.programs
        if program.kind in _ESP_KINDS
    ]
    return tuple(programs)
