"""Whether the kernel, what links to it and its modules are there."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_commands import WRITE_MENU
from byoi_tools.checks.booted_kernel import booted_kernel
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.checks.unwritten_system import unwritten_system
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_REINSTALL = (
    "Install the kernel package again: apt-get install --reinstall linux-image-VERSION, "
    "or dnf reinstall kernel-core-VERSION"
)


@check(
    "kernel.present",
    "the image has a kernel, and it is whole",
    Severity.ERROR,
    remedy="Install a kernel in the image: apt-get install linux-image-amd64, or dnf install kernel.",
)
def present(subject: Subject) -> Iterator[Observation]:
    """The image has a kernel, and it is whole.

    Why: images made for containers have no kernel at all, and one that was cut off while it was copied is refused by
    the boot loader or crashes at its first instruction. Nothing starts.

    How: a file that is a kernel by its header, in `/boot`, in a directory of `/lib/modules`, or in an EFI system
    partition (a unified kernel image, or a kernel with an EFI stub). None at all is an error; so is a kernel that
    would be started and is no kernel by its header, or is shorter than its header says. So is an image whose root was
    never written: its file systems are all empty, or there are only zeros where one would begin and a boot loader of
    Linux would be started; save where the ESP has a file of a kernel's size.

    Fix: install the distribution's kernel package in the image, then write the boot loader's configuration again
    (`update-grub`, `grub2-mkconfig`).

    Source: Linux, Documentation/arch/x86/boot.rst (`syssize`, `setup_sects`).
    """
    if unwritten := unwritten_system(subject):
        yield unwritten
        return
    if not subject.kernels.kernels and not subject.kernels.on_esp:
        yield Observation(
            "there is no kernel to start",
            observed="no kernel in /boot, in /lib/modules or in the EFI system partition",
            expected="a kernel such as /boot/vmlinuz-6.1.0-41-amd64",
            evidence="/boot",
        )
        return
    kernel = booted_kernel(subject)
    if kernel.image is None:
        yield Observation(
            "the file that would be started is no kernel",
            observed=f"{kernel.size_bytes} bytes without the header of a kernel",
            expected="a bzImage, an EFI image or an ELF file",
            evidence=quote(kernel.path),
            remedy=_REINSTALL,
        )
    elif kernel.size_bytes < kernel.image.required_bytes:
        yield Observation(
            "the kernel is cut off",
            observed=f"{kernel.size_bytes} bytes",
            expected=f"at least {kernel.image.required_bytes} bytes, by its header",
            evidence=quote(kernel.path),
            remedy=_REINSTALL,
        )


@check(
    "kernel.symlink-ok",
    "the links to kernels and initramfs images lead somewhere",
    Severity.ERROR,
    remedy=f"Make them again: linux-update-symlinks, or ln -sfn vmlinuz-VERSION /boot/vmlinuz; then {WRITE_MENU}.",
)
def symlink_ok(subject: Subject) -> Iterator[Observation]:
    """The links to kernels and initramfs images lead somewhere.

    Why: where the boot loader's configuration names `/boot/vmlinuz` or `/vmlinuz`, a link that leads nowhere ends in
    "file not found". It happens when a kernel is removed, or when `/boot` is moved to another file system.

    How: each of `/vmlinuz`, `/initrd.img`, `/boot/vmlinuz`, `/boot/initrd.img` and `/boot/initrd` that is a symlink is
    followed inside of the guest. The `.old` ones, which nothing starts by itself, are warned of.

    Fix: `linux-update-symlinks` on Debian; elsewhere `ln -sfn` to the files that are there.

    Source: Debian, linux-update-symlinks(1); symlink(7).
    """
    for link in subject.kernels.links:
        if not link.resolved:
            yield Observation(
                f"the symlink {link.path} leads nowhere",
                observed=quote(link.target),
                expected="the path of a file that exists",
                evidence=link.path,
                severity=Severity.WARNING if link.path.endswith(".old") else None,
            )


@check(
    "kernel.modules-dir",
    "the kernel has its module directory",
    Severity.ERROR,
    remedy="Install the package of the modules for this version and run depmod -a VERSION.",
)
def modules_dir(subject: Subject) -> Iterator[Observation]:
    """The kernel has its module directory.

    Why: what is not in the initramfs is loaded from `/lib/modules/VERSION`: network cards, the file system of the
    config drive, the ESP's. Without the directory for exactly this version, or without `modules.dep` in it, the server
    boots into a system without a network.

    How: `/lib/modules/VERSION/modules.dep` exists for the version that the kernel's header says (else its file name),
    unless its configuration says that it knows no modules.

    Fix: install the modules of this version (`linux-modules-VERSION`, `kernel-modules-VERSION`); if only the list is
    missing, `depmod -a VERSION`.

    Source: kmod, depmod(8), modules.dep(5).
    """
    kernel = booted_kernel(subject)
    if isinstance(kernel.options, Known) and "MODULES" not in kernel.options.value:
        return
    if kernel.modules is not None and kernel.modules.has_list:
        return
    others = ", ".join(quote(version) for version in subject.kernels.module_versions[:4])
    yield Observation(
        "the kernel finds no modules once the root file system is mounted",
        observed="no modules.dep" if kernel.modules else f"module directories: {others or 'none'}",
        expected=quote(f"/lib/modules/{kernel.version}/modules.dep"),
        evidence=quote(kernel.path),
    )
