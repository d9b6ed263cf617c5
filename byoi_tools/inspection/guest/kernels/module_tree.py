"""Reads the module directory of a kernel, and the names of the firmware files."""

from __future__ import annotations

from byoi_tools.formats.guest_files.kernel_modules import read_builtin, read_index
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.kernel_modules import is_module_path
from byoi_tools.model.guest.kernels import ModuleTree

_LIST_LIMIT_BYTES = 8 << 20
_FIRMWARE_LIMIT = 20_000
_MODULE_LIMIT_BYTES = 4 << 20
_READ_LIMIT = 8
_OUTSIDE = ("updates/", "extra/", "weak-updates/")
_SIGNATURE_END = b"~Module signature appended~\n"
"""Linux, include/linux/module_signature.h, MODULE_SIG_STRING."""


def module_versions(tree: GuestTree) -> tuple[str, ...]:
    """The names of the module directories."""
    return tuple(entry.name for entry in tree.entries("/lib/modules") if entry.status.kind is FileKind.DIRECTORY)


def read_module_tree(tree: GuestTree, version: str) -> ModuleTree | None:
    """The modules of a version; None where it has no directory."""
    directory = f"/lib/modules/{version}"
    if not version or "/" in version or not tree.is_directory(directory):
        return None
    dependencies = tree.read_text(f"{directory}/modules.dep", _LIST_LIMIT_BYTES)
    aliases, soft, builtin = (
        tree.read_text(f"{directory}/{name}", _LIST_LIMIT_BYTES) or ""
        for name in ("modules.alias", "modules.softdep", "modules.builtin")
    )
    index = read_index(dependencies or "", aliases, soft)
    outside = tuple(sorted(module.path for module in index.files.values() if module.path.startswith(_OUTSIDE)))
    return ModuleTree(
        path=directory,
        has_list=dependencies is not None,
        index=index,
        builtin=read_builtin(builtin),
        outside=outside,
        unsigned=tuple(path for path in outside[:_READ_LIMIT] if _is_unsigned(tree, f"{directory}/{path}")),
    )


def read_firmware(tree: GuestTree) -> frozenset[str]:
    """The files and links below /lib/firmware, by their names without the suffix of a compression."""
    names: set[str] = set()
    for path, status in tree.walk("/lib/firmware"):
        if status.kind is not FileKind.DIRECTORY:
            names.add(path.removeprefix("/lib/firmware/").removesuffix(".xz").removesuffix(".zst"))
        if len(names) >= _FIRMWARE_LIMIT:
            break
    return frozenset(names)


def _is_unsigned(tree: GuestTree, path: str) -> bool:
    """Whether a module that is not compressed ends without a signature; a compressed one is not looked into."""
    status = tree.status(path)
    if (
        status is None
        or not path.endswith(".ko")
        or not is_module_path(path)
        or status.size_bytes > _MODULE_LIMIT_BYTES
    ):
        return False
    return not (tree.read(path, _MODULE_LIMIT_BYTES) or b"").endswith(_SIGNATURE_END)
