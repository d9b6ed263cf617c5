"""What keeps drivers from being loaded, or from working once they are."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_commands import add_arguments
from byoi_tools.checks.booted_kernel import booted_initramfs, booted_kernel, index_of, missing_in_guest
from byoi_tools.checks.check import check
from byoi_tools.checks.command_lines import argument_on, default_entries
from byoi_tools.checks.driver.network import has_firmware
from byoi_tools.checks.driver_table import Role, all_drivers, drivers_of
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.kernel_modules import module_name
from byoi_tools.model.quoting import quote

_BLACKLISTS = ("modprobe.blacklist", "module_blacklist", "rd.driver.blacklist")
_VENDORS = ("AuthenticAMD", "GenuineIntel")
_ROLES = (Role.NVME, Role.AHCI, Role.RAID, Role.HBA, Role.NET)


@check(
    "driver.blacklist",
    "no driver that servers need is blacklisted",
    Severity.WARNING,
    remedy="Remove the line, then make the initramfs again: update-initramfs -u, or dracut -f.",
)
def blacklist(subject: Subject) -> Iterator[Observation]:
    """No driver that servers need is blacklisted.

    Why: builds for one cloud blacklist the drivers of others. A blacklisted driver is in its place and is not loaded:
    the disk or the network is missing all the same.

    How: `blacklist NAME` and `install NAME /bin/true` in modprobe.d, in the guest (/etc before /usr/lib) and in its
    initramfs, and the arguments `modprobe.blacklist=`, `module_blacklist=` and `rd.driver.blacklist=` of the default
    entry, against the disk and network drivers in the table of drivers.

    Fix: remove the line or the argument, then `update-initramfs -u` or `dracut -f`, and `update-grub`.

    Source: kmod, modprobe.d(5); Linux, Documentation/admin-guide/kernel-parameters.rst; dracut.cmdline(7).
    """
    kernel = booted_kernel(subject)
    needed = {module for driver in all_drivers() if driver.role in _ROLES for module in driver.modules}
    needed |= {module for name in needed for module in index_of(kernel).modules_of(name)}
    places: dict[str, str] = {}
    for module, place in _blacklisted(subject):
        if module in needed:
            places.setdefault(module, place)
    for module, place in places.items():
        yield Observation(
            f"the driver {module} is kept from being loaded",
            observed=f"{module} is blacklisted",
            expected="no word of it",
            evidence=quote(place),
        )


@check(
    "driver.kernel-lockdown-oot",
    "modules that did not come with the kernel are signed",
    Severity.INFO,
    remedy="Sign them (kmodsign, sign-file) with a key that the firmware knows, or leave Secure Boot off.",
)
def kernel_lockdown_oot(subject: Subject) -> Iterator[Observation]:
    """Modules that did not come with the kernel are signed.

    Why: where Secure Boot is on, the kernel is locked down and loads signed modules only. Modules that DKMS built on
    the way are not signed by anybody that the server knows.

    How: the modules below `updates/`, `extra/` and `weak-updates/` of the module directory that are not compressed end
    with a signature. Up to eight are looked at. Skipped where there are none.

    Fix: `kmodsign sha512 KEY CERT MODULE` and enrol the certificate; or leave Secure Boot off, which the provider's
    servers have by default.

    Source: Linux, Documentation/admin-guide/module-signing.rst; kernel_lockdown(7).
    """
    modules = booted_kernel(subject).modules
    if modules is None or not modules.outside:
        raise NotKnownError("all modules came with the kernel")
    if modules.unsigned:
        yield Observation(
            "modules that did not come with the kernel are not signed",
            observed=f"unsigned: {', '.join(quote(path) for path in modules.unsigned[:4])}",
            expected="modules with a signature, or Secure Boot switched off",
            evidence=quote(modules.path),
        )


@check(
    "driver.microcode",
    "the initramfs brings microcode for both makers of processors",
    Severity.INFO,
    remedy="Install it in the image: apt-get install intel-microcode amd64-microcode, then update-initramfs -u; or "
    "dnf install microcode_ctl linux-firmware, then dracut -f.",
)
def microcode(subject: Subject) -> Iterator[Observation]:
    """The initramfs brings microcode for both makers of processors.

    Why: updates of microcode close security holes. It boots without, and the provider's boot service loads microcode
    before the image starts; an image that brings its own does not depend on that.

    How: `kernel/x86/microcode/GenuineIntel.bin` and `AuthenticAMD.bin` in the first part of the initramfs, or images
    like `/boot/intel-ucode.img` beside it.

    Fix: `apt-get install intel-microcode amd64-microcode` (Debian, component non-free-firmware), `microcode_ctl` and
    `linux-firmware` on Fedora and RHEL, `intel-ucode` and `amd-ucode` on Arch.

    Source: Linux, Documentation/arch/x86/microcode.rst; OVHcloud guide Understand the Dedicated Server boot process.
    """
    beside = subject.kernels.microcode_images
    names = set(booted_initramfs(subject).microcode)
    names |= {"GenuineIntel" for path in beside if "intel" in path} | {
        "AuthenticAMD" for path in beside if "amd" in path
    }
    missing = [vendor for vendor in _VENDORS if vendor not in names]
    if missing:
        yield Observation(
            "the image brings no microcode for some processors",
            observed=f"missing: {', '.join(missing)}",
            expected="microcode for AMD and Intel in the first part of the initramfs",
            evidence=quote(booted_initramfs(subject).path),
        )


@check(
    "driver.nomodeset",
    "no graphics driver without its firmware takes the console away",
    Severity.INFO,
    remedy=add_arguments("nomodeset"),
)
def nomodeset(subject: Subject) -> Iterator[Observation]:
    """No graphics driver without its firmware takes the console away.

    Why: a graphics driver that does not find its firmware leaves the screen black, or the machine hanging, on the
    servers whose processor or board has such graphics. The console of the management controller shows nothing then.

    How: a graphics driver in the table of drivers (amdgpu, radeon) is in the module directory, its firmware is not
    below `/lib/firmware`, and the default entry has no `nomodeset`. Skipped where no entry could be read.

    Fix: `nomodeset` in GRUB_CMDLINE_LINUX, or the firmware (`firmware-amd-graphics`, `linux-firmware`).

    Source: ovh/bringyourownlinux (its builds boot with `nomodeset`); Debian wiki, AtiHowTo.
    """
    kernel = booted_kernel(subject)
    if not default_entries(subject):
        raise NotKnownError("no boot entry could be read")
    if argument_on(subject, "nomodeset"):
        return
    drivers = [driver for driver in drivers_of(Role.GRAPHICS) if not missing_in_guest(driver, kernel)]
    without = [driver.modules[0] for driver in drivers if not has_firmware(subject, driver)]
    if without:
        yield Observation(
            "graphics drivers may leave the console black: they find no firmware",
            observed=f"{', '.join(without)} without firmware, and no nomodeset",
            expected="nomodeset on the kernel's command line, or the firmware",
            evidence=quote(default_entries(subject)[0].place),
        )


def _blacklisted(subject: Subject) -> Iterator[tuple[str, str]]:
    """Every module that is kept away, and where; those of the command line first."""
    for name in _BLACKLISTS:
        found = argument_on(subject, name)
        if found:
            yield from ((module_name(module), f"{found[2]}, {name}") for module in found[1].split(","))
    for one in subject.kernels.blacklisted:
        yield one.module, one.place
    try:
        initramfs = booted_initramfs(subject)
    except NotKnownError:
        return
    yield from ((module, f"{initramfs.path}: {place}") for module, place in initramfs.blacklisted)
