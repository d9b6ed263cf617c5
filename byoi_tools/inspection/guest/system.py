"""Reads which operating system it is: os-release, architecture, package manager."""

from __future__ import annotations

from collections.abc import Mapping

from byoi_tools.formats.boot.elf import ELF_HEAD_BYTES, read_elf_machine
from byoi_tools.formats.guest_files.package_lists import read_apk_installed, read_dpkg_status
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.system import OperatingSystem

_PROGRAMS = ("/bin/sh", "/usr/lib/systemd/systemd", "/sbin/init", "/bin/busybox")
_DPKG = "/var/lib/dpkg/status"
_APK = "/lib/apk/db/installed"
_PACMAN = "/var/lib/pacman/local"
_RPM = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_DATABASE_LIMIT_BYTES = 32 << 20
_PACKAGE_LIMIT = 100_000


def read_system(context: GuestContext) -> OperatingSystem:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    release = read_shell_assignments(tree.read_text("/etc/os-release") or tree.read_text("/usr/lib/os-release") or "")
    manager, packages = _packages(tree)
    return OperatingSystem(
        distribution=release.get("ID", ""),
        like=tuple(release.get("ID_LIKE", "").split()),
        version=release.get("VERSION_ID", ""),
        name=release.get("PRETTY_NAME", ""),
        machine=_machine(tree),
        package_manager=manager,
        packages=packages,
    )


def _machine(tree: GuestTree) -> str:
    heads = (tree.read(path, ELF_HEAD_BYTES) for path in _PROGRAMS)
    return next((machine for head in heads if head and (machine := read_elf_machine(head))), "")


def _packages(tree: GuestTree) -> tuple[str, Fact[Mapping[str, str]]]:
    if (status := tree.read_text(_DPKG, _DATABASE_LIMIT_BYTES)) is not None:
        return "dpkg", Known(read_dpkg_status(status))
    if (installed := tree.read_text(_APK, _DATABASE_LIMIT_BYTES)) is not None:
        return "apk", Known(read_apk_installed(installed))
    if tree.is_directory(_PACMAN):
        return "pacman", Known(
            dict(_split(name) for name in tree.names(_PACMAN)[:_PACKAGE_LIMIT] if name.count("-") > 1)
        )
    if any(tree.is_directory(path) for path in _RPM):
        return "rpm", NotExamined("the database of rpm is not read")
    return "", NotExamined("the guest has no package manager that is known here")


def _split(directory: str) -> tuple[str, str]:
    """`linux-6.9.1-1`: the name, the version with its release."""
    name, version, release = directory.rsplit("-", 2)
    return name, f"{version}-{release}"
