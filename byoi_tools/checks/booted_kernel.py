"""Which kernel the server would start, with which initramfs, and whether a driver is in reach of it."""

from __future__ import annotations

from byoi_tools.checks.command_lines import default_entries
from byoi_tools.checks.driver_table import Driver
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.guest.boot import BootEntry
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernel_modules import ModuleIndex
from byoi_tools.model.guest.kernels import Kernel
from byoi_tools.model.quoting import quote

_NOTHING = ModuleIndex({}, {}, {})


def booted_kernel(subject: Subject) -> Kernel:
    """The kernel of the first default entry that names one of the guest's, else the usual one.

    Raises `NotKnownError` where the guest has none, or the entry starts one that is in no file system that was read.
    """
    kernels = subject.kernels
    named = [entry.kernel for entry in default_entries(subject) if entry.kernel]
    found = [kernel for path in named if (kernel := kernels.started_as(path)) is not None]
    if found:
        return found[0]
    if kernels.usual is None:
        raise NotKnownError(
            "the kernels are in the ESP, which is not searched" if kernels.on_esp else "there is no kernel"
        )
    if named:
        raise NotKnownError(f"the default entry starts {quote(named[0])}, which is not among the guest's kernels")
    return kernels.usual


def entries_of(subject: Subject, kernel: Kernel) -> tuple[BootEntry, ...]:
    """The default entries that start a kernel."""
    kernels = subject.kernels
    return tuple(entry for entry in default_entries(subject) if kernels.started_as(entry.kernel) is kernel)


def booted_initramfs(subject: Subject) -> Initramfs:
    """The initramfs of that kernel; raises `NotKnownError` where there is none or it cannot be unpacked."""
    initramfs = booted_kernel(subject).initramfs.known()
    if initramfs is None:
        raise NotKnownError("the kernel has no initramfs")
    if initramfs.damage:
        raise NotKnownError("the initramfs cannot be unpacked")
    return initramfs


def builtin_of(kernel: Kernel) -> frozenset[str]:
    """The names of the modules that are built into a kernel, by modules.builtin."""
    return kernel.modules.builtin if kernel.modules else frozenset()


def index_of(kernel: Kernel) -> ModuleIndex:
    """What is known of a kernel's modules; nothing where it has no module directory."""
    return kernel.modules.index if kernel.modules else _NOTHING


def missing_in_initramfs(driver: Driver, kernel: Kernel, initramfs: Initramfs) -> tuple[str, ...]:
    """The modules that a driver lacks before the root file system is mounted; empty when it works."""
    return _missing(driver, kernel, initramfs.modules)


def missing_in_guest(driver: Driver, kernel: Kernel) -> tuple[str, ...]:
    """The modules that a driver lacks once the root file system is mounted; empty when it works."""
    return _missing(driver, kernel, frozenset(index_of(kernel).files))


def _missing(driver: Driver, kernel: Kernel, present: frozenset[str]) -> tuple[str, ...]:
    built_in = kernel.options.value if isinstance(kernel.options, Known) else frozenset()
    lacking: dict[str, None] = {}
    for module, option in zip(driver.modules, driver.options, strict=True):
        if option not in built_in:
            lacking |= dict.fromkeys(index_of(kernel).missing_for(module, present, builtin_of(kernel)))
    return tuple(lacking)
