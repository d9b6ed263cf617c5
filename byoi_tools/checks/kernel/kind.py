"""Whether the kernel is of a kind that runs on a bare-metal server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.booted_kernel import booted_kernel
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.disks.loader import choose_loader
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.kernels import Kernel, KernelImage
from byoi_tools.model.quoting import quote

SERVER_MACHINE = "x86_64"
_VIRTUAL = re.compile(r"(?:^|[-._+\d])(cloud|kvm|kvmsmall|virt|virtual|aws|azure|gcp|gke|oracle|ibm)(?=$|[-._+])")
_XEN = re.compile(r"(?:^|[-._\d])xen(?:U|0|-pae)?$")
_DEBUG = re.compile(r"[-._+](debug|dbg)(?=$|[-._+])")
_XEN_OPTIONS = ("X86_64_XEN", "X86_XEN")


@check(
    "kernel.flavour",
    "the kernel is one for bare metal, not for virtual machines",
    Severity.WARNING,
    remedy="Install the general kernel and remove this one: apt-get install linux-image-amd64 (Ubuntu: linux-generic).",
)
def flavour(subject: Subject) -> Iterator[Observation]:
    """The kernel is one for bare metal, not for virtual machines.

    Why: kernels for clouds are built without the drivers of real disks and network cards. Such an image works in every
    virtual machine, is installed without complaint, and never answers on a server.

    How: by the flavour in the version of the kernel that would be started: `cloud` (Debian), `kvm`, `aws`, `azure`,
    `gcp`, `gke`, `oracle`, `ibm` (Ubuntu), `virt` (Alpine), `kvmsmall` (openSUSE). Which drivers are missing is told by
    `initrd.nvme`, `initrd.ahci` and `driver.net`.

    Fix: `apt-get install linux-image-amd64` and `apt-get purge linux-image-cloud-amd64` in the image, then
    `update-grub`; `linux-generic` on Ubuntu, `linux-lts` on Alpine, `kernel-default` on openSUSE.

    Source: ovh/bringyourownlinux README ("virtualization-oriented kernels within their QCOW2 images"); Debian,
    linux-image-cloud-amd64.
    """
    kernel = booted_kernel(subject)
    found = _VIRTUAL.search(kernel.version)
    if found:
        yield Observation(
            "the kernel is built for virtual machines and lacks drivers of servers",
            observed=f"version {quote(kernel.version)}, flavour {found.group(1)}",
            expected="a kernel of the general flavour (amd64, generic, default, lts)",
            evidence=quote(kernel.path),
        )


@check(
    "kernel.arch",
    "the kernel is for the processors of the servers",
    Severity.ERROR,
    remedy="Build the image for amd64 (x86_64).",
)
def arch(subject: Subject) -> Iterator[Observation]:
    """The kernel is for the processors of the servers.

    Why: the provider's dedicated servers have x86_64 processors. A kernel for arm64 is not even loaded, and one for
    32-bit x86 does not start the 64-bit programs of the guest.

    How: by the machine in the kernel's PE or ELF header, else by the flags of a bzImage's setup header. Skipped where
    the file is no kernel (`kernel.present`) or says nothing, and where a server is named (`target.arch`).

    Fix: build or download the image for amd64; `dpkg --print-architecture` and `uname -m` tell what a system is.

    Source: Linux, Documentation/arch/x86/boot.rst (`xloadflags`); Microsoft, PE Format; OVHcloud API,
    `processorArchitecture`.
    """
    if isinstance(subject.meant, Known) and isinstance(subject.planned.server.architecture, Known):
        raise NotKnownError("target.arch compares the kernel with the server's processors")
    kernel = booted_kernel(subject)
    machine = _image(kernel).machine
    if not machine:
        raise NotKnownError("the kernel's header does not say for which machine it is")
    if machine != SERVER_MACHINE:
        yield Observation(
            "the kernel is for another machine",
            observed=machine,
            expected=SERVER_MACHINE,
            evidence=quote(kernel.path),
        )


@check(
    "kernel.xen-pv",
    "the kernel runs without a Xen hypervisor",
    Severity.ERROR,
    remedy="Install the distribution's general kernel and make it the default.",
)
def xen_pv(subject: Subject) -> Iterator[Observation]:
    """The kernel runs without a Xen hypervisor.

    Why: the kernels named `-xen` of older distributions are built for paravirtual Xen guests alone. On bare metal they
    stop at once, mostly without a word on the console.

    How: by the end of the version (`-xen`, `-xenU`), unless the configuration says that the kernel is an ordinary one
    with Xen support; and by the options `X86_64_XEN` and `X86_XEN`, which only such kernels have.

    Fix: install the general kernel (`kernel-default`, `kernel`, `linux-image-amd64`), and remove the other.

    Source: virt-v2v, convert/linux_kernels.ml (kernels for Xen PV only); openSUSE, kernel-xen (up to Leap 42.1).
    """
    kernel = booted_kernel(subject)
    options = kernel.options.value if isinstance(kernel.options, Known) else None
    is_named_so = bool(_XEN.search(kernel.version)) and not (options and "PARAVIRT" in options)
    if is_named_so or (options and any(option in options for option in _XEN_OPTIONS)):
        yield Observation(
            "the kernel runs as a paravirtual Xen guest only",
            observed=f"version {quote(kernel.version)}",
            expected="a kernel that starts on bare metal",
            evidence=quote(kernel.path),
        )


@check(
    "kernel.debug",
    "the kernel is not a debug build",
    Severity.INFO,
    remedy="Make the ordinary kernel the default: grubby --set-default /boot/vmlinuz-VERSION",
)
def debug(subject: Subject) -> Iterator[Observation]:
    """The kernel is not a debug build.

    Why: kernels with lock and memory debugging are several times slower, and need more memory.

    How: by `debug` or `dbg` in the version of the kernel that would be started.

    Fix: remove the debug kernel from the image, or make another one the default.

    Source: Fedora and RHEL, kernel-debug (`VERSION+debug`); virt-v2v, which prefers other kernels.
    """
    kernel = booted_kernel(subject)
    if _DEBUG.search(kernel.version):
        yield Observation(
            "the kernel that would be started is a debug build",
            observed=f"version {quote(kernel.version)}",
            expected="an ordinary build",
            evidence=quote(kernel.path),
        )


@check(
    "kernel.efistub",
    "the kernel can be started as an EFI program",
    Severity.ERROR,
    remedy="Use a kernel with CONFIG_EFI_STUB=y; the distributions' own have it.",
    boot=BootMode.UEFI,
)
def efistub(subject: Subject) -> Iterator[Observation]:
    """The kernel can be started as an EFI program.

    Why: systemd-boot, rEFInd and the firmware start a kernel as an EFI program, which a kernel without the EFI stub is
    not: "Unsupported". GRUB 2.06 can still load it the old way, later versions give up too.

    How: the kernel file starts with a PE header, which `CONFIG_EFI_STUB=y` makes. An error where the loader in use is
    systemd-boot or rEFInd, a warning where it is GRUB.

    Fix: set `CONFIG_EFI_STUB=y` and build the kernel again, or install the distribution's.

    Source: Linux, Documentation/admin-guide/efi-stub.rst; systemd-boot(7).
    """
    kernel = booted_kernel(subject)
    if not _image(kernel).has_efi_stub:
        loader = choose_loader(subject.esp_content)
        is_needed = loader is not None and loader.kind in (LoaderKind.SYSTEMD_BOOT, LoaderKind.REFIND)
        yield Observation(
            "the kernel has no EFI stub",
            observed="no PE header at the start of the file",
            expected="a kernel built with CONFIG_EFI_STUB=y",
            evidence=quote(kernel.path),
            severity=None if is_needed else Severity.WARNING,
        )


def _image(kernel: Kernel) -> KernelImage:
    if kernel.image is None:
        raise NotKnownError("the file is no kernel")
    return kernel.image
