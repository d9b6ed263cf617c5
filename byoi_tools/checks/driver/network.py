"""The drivers through which the server is reached, and those with which it reads its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from byoi_tools.checks.booted_kernel import booted_kernel, builtin_of, index_of, missing_in_guest
from byoi_tools.checks.check import check
from byoi_tools.checks.driver_table import Driver, Role, drivers_of
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.kernels import Kernel
from byoi_tools.model.quoting import quote

_ISO = (("isofs", "ISO9660_FS"),)
_FAT = (("vfat", "VFAT_FS"), ("nls_cp437", "NLS_CODEPAGE_437"), ("nls_ascii", "NLS_ASCII"))


@check(
    "driver.net",
    "the kernel drives the network cards of servers",
    Severity.ERROR,
    remedy="Install the general kernel with all its modules: linux-image-amd64, linux-modules-extra, kernel-modules.",
)
def net(subject: Subject) -> Iterator[Observation]:
    """The kernel drives the network cards of servers.

    Why: a server without a driver for its network card boots, and is never reached. Kernels for clouds, and Ubuntu's
    without `linux-modules-extra`, lack them.

    How: each network driver in the table of drivers, with all that modules.dep says it needs, is in the module
    directory of the kernel that would be started, or built in. A missing one is an error where servers of today have
    the card, a warning where older or entry-level ones do.

    Fix: `apt-get install linux-image-amd64` (Debian), `linux-generic` with `linux-modules-extra-VERSION` (Ubuntu),
    `dnf install kernel-modules` (Fedora, RHEL).

    Source: Linux, drivers/net/ethernet; ovh/bringyourownlinux; propolis issue 590 and downburst pull request 44
    (images with kernels for virtual machines).
    """
    kernel = _with_modules(subject)
    missing = [(driver, lacking) for driver in drivers_of(Role.NET) if (lacking := missing_in_guest(driver, kernel))]
    for severity in (Severity.ERROR, Severity.WARNING):
        drivers = [driver for driver, _ in missing if driver.severity is severity]
        if drivers:
            modules = dict.fromkeys(module for driver, names in missing if driver in drivers for module in names)
            yield Observation(
                f"the kernel does not drive {'; '.join(driver.controller for driver in drivers)}",
                observed=f"missing: {', '.join(quote(module) for module in list(modules)[:10])}",
                expected=f"{', '.join(driver.modules[0] for driver in drivers)}, with what they need",
                evidence=f"/lib/modules/, kernel {quote(kernel.version)}",
                severity=None if severity is Severity.ERROR else severity,
            )


@check(
    "driver.net-firmware",
    "the network drivers find their firmware",
    Severity.WARNING,
    remedy="Install the firmware: apt-get install firmware-misc-nonfree firmware-bnx2x, or dnf install linux-firmware.",
)
def net_firmware(subject: Subject) -> Iterator[Observation]:
    """The network drivers find their firmware.

    Why: some cards get their firmware from the driver at each start. Without the file `bnx2x` brings no link up, and
    `ice` goes into "Safe Mode" with one queue.

    How: for each network driver in the table of drivers that asks for firmware and is there: a file of that name, plain
    or compressed, is below `/lib/firmware`. Skipped where none of them is there.

    Fix: `apt-get install firmware-bnx2x firmware-misc-nonfree` (Debian, component non-free-firmware),
    `linux-firmware` elsewhere.

    Source: Linux, drivers/net/ethernet/broadcom/bnx2x and intel/ice (`MODULE_FIRMWARE`); packer-maas issue 195.
    """
    kernel = _with_modules(subject)
    drivers = [driver for driver in drivers_of(Role.NET) if driver.firmware and not missing_in_guest(driver, kernel)]
    if not drivers:
        raise NotKnownError("none of the network drivers needs firmware")
    for driver in drivers:
        if not has_firmware(subject, driver):
            yield Observation(
                f"the driver {driver.modules[0]} ({driver.controller}) finds no firmware",
                observed=f"{len(subject.kernels.firmware)} files below /lib/firmware, none of that name",
                expected=" or ".join(driver.firmware),
                evidence="/lib/firmware",
            )


@check(
    "driver.configdrive",
    "the kernel reads the file system of the config drive",
    Severity.ERROR,
    remedy="Install the general kernel with all its modules: linux-image-amd64, linux-modules-extra, kernel-modules.",
)
def configdrive(subject: Subject) -> Iterator[Observation]:
    """The kernel reads the file system of the config drive.

    Why: user data, host name and SSH keys come in a small partition that cloud-init mounts. When it cannot be mounted,
    cloud-init finds no datasource, and nobody can log in.

    How: Bring Your Own Image has the config drive as ISO 9660: `isofs` is in the module directory or built in. Bring
    Your Own Linux has it as FAT: `vfat`, with `nls_cp437` and `nls_ascii`, which mounting asks for.

    Fix: install the kernel's package of further modules (`linux-modules-extra-VERSION`, `kernel-modules-extra`), or a
    general kernel.

    Source: OpenStack, config drive (ISO 9660 or vfat); cloud-init, datasource ConfigDrive; Linux, fs/fat/Kconfig.
    """
    kernel = _with_modules(subject)
    modules = _ISO if subject.intent.product is Product.BYOI else _FAT
    built_in = kernel.options.value if isinstance(kernel.options, Known) else frozenset()
    index = index_of(kernel)
    missing = [
        lacking
        for module, option in modules
        if option not in built_in
        for lacking in index.missing_for(module, frozenset(index.files), builtin_of(kernel))
    ]
    if missing:
        yield Observation(
            "the kernel cannot mount the config drive",
            observed=f"missing: {', '.join(quote(module) for module in missing)}",
            expected=" and ".join(module for module, _ in modules),
            evidence=f"/lib/modules/, kernel {quote(kernel.version)}",
        )


def has_firmware(subject: Subject, driver: Driver) -> bool:
    """Whether a file that the driver asks for is there, plain or compressed."""
    names = subject.kernels.firmware
    return any(fnmatchcase(name, pattern) for pattern in driver.firmware for name in names)


def _with_modules(subject: Subject) -> Kernel:
    kernel = booted_kernel(subject)
    if kernel.modules is None or not kernel.modules.has_list:
        raise NotKnownError("the kernel has no list of modules, which kernel.modules-dir tells")
    return kernel
