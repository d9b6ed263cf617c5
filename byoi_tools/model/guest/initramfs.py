"""An initramfs as far as its file names and small configuration files tell."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Initramfs:
    """What is in an initramfs.

    `segments` are the compressions of its parts, `cpio` for none. `damage` says why Linux would stop unpacking it, and
    is empty for a good one; what else is said here then is incomplete. `builder` is initramfs-tools, dracut, mkinitcpio
    or empty. `microcode` are the processor vendors of early updates (`GenuineIntel`). `modules` are names as the kernel
    has them, of every version in `module_versions`. `programs` are the names of the files in directories of programs.
    `hooks` are the parts that a builder put in (`local-top/lvm2`, `crypt`). `host_only` is the trace of a build for one
    machine, empty without any. `blacklisted` are the modules that its modprobe.d keeps away, with the file.
    """

    path: str
    size_bytes: int
    segments: tuple[str, ...]
    damage: str
    builder: str
    microcode: tuple[str, ...]
    module_versions: tuple[str, ...]
    modules: frozenset[str]
    programs: frozenset[str]
    hooks: tuple[str, ...]
    host_only: str
    blacklisted: tuple[tuple[str, str], ...]
