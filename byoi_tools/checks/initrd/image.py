"""The initramfs as a file: there, whole, for the right kernel, and not made for another machine."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_commands import WRITE_MENU
from byoi_tools.checks.booted_kernel import booted_initramfs, booted_kernel, entries_of, missing_in_initramfs
from byoi_tools.checks.check import check
from byoi_tools.checks.driver_table import Role, drivers_of
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootEntry
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernels import Kernel, is_microcode_image
from byoi_tools.model.quoting import quote

_NONE = Initramfs("", 0, (), "", "", (), (), frozenset(), frozenset(), (), "", ())


@check(
    "initrd.present",
    "the kernel has an initramfs",
    Severity.ERROR,
    remedy=f"Make it: update-initramfs -c -k VERSION, or dracut --no-hostonly --kver VERSION; then {WRITE_MENU}.",
)
def present(subject: Subject) -> Iterator[Observation]:
    """The kernel has an initramfs.

    Why: distribution kernels have the drivers of disks and file systems as modules. Without an initramfs that loads
    them the kernel stops with "VFS: Unable to mount root fs".

    How: the default entry that starts the kernel has an `initrd` other than microcode; where no entry could be read, a
    file beside the kernel is named after it: `initrd.img-VERSION`, `initramfs-VERSION.img`, `initrd-VERSION`, or
    `initramfs-NAME` for `vmlinuz-NAME`. Not asked for where the drivers of NVMe or SATA disks are built into the
    kernel: such a kernel may do without, unless `root=` is a UUID or a LABEL, which only an initramfs can find. An
    entry with `panic=-1` is a first try that starts the server again (Ubuntu's cloud images): the file is enough.

    Fix: `update-initramfs -c -k VERSION` (Debian, Ubuntu), `dracut --no-hostonly --kver VERSION` (Fedora, RHEL, SUSE),
    `mkinitcpio -P` without the hook autodetect (Arch); then write the boot loader's configuration again.

    Source: Linux, Documentation/filesystems/ramfs-rootfs-initramfs.rst; Documentation/admin-guide/kernel-parameters.txt
    ("root=").
    """
    kernel = booted_kernel(subject)
    entries = entries_of(subject, kernel)
    bare = next((entry for entry in entries if _is_bare(entry, kernel)), None)
    if not _needs_initramfs(kernel, bare):
        return
    if bare is not None:
        yield Observation(
            "the default entry loads no initramfs, and its kernel needs one to find the root file system",
            observed=f"{quote(bare.kernel)} without initrd",
            expected=quote(kernel.initramfs_path or f"/boot/initrd.img-{kernel.version}"),
            evidence=quote(bare.place),
        )
    elif not entries and not kernel.initramfs_path:
        if not kernel.path.startswith("/boot/"):
            raise NotKnownError("no boot entry could be read, and boot loaders start no kernel of a module directory")
        yield Observation(
            "the kernel has no initramfs, and needs one to find its disk",
            observed="no file that is named after the kernel",
            expected=quote(f"/boot/initrd.img-{kernel.version}"),
            evidence=quote(kernel.path),
        )


def _is_bare(entry: BootEntry, kernel: Kernel) -> bool:
    """Whether an entry starts the kernel with no initramfs, and is no first try that a second one follows."""
    if kernel.initramfs_path == kernel.path or entry.command_line.has("initrd"):
        return False  # a unified kernel image; an initrd that the kernel's own EFI stub loads
    is_first_try = (entry.command_line.last("panic") or "").startswith("-") and kernel.initramfs_path
    return not is_first_try and all(is_microcode_image(path) for path in entry.initrds)


def _needs_initramfs(kernel: Kernel, bare: BootEntry | None) -> bool:
    if bare is not None and (bare.command_line.last("root") or "").startswith(("UUID=", "LABEL=")):
        return True
    disks = (*drivers_of(Role.NVME), *drivers_of(Role.AHCI))
    return all(missing_in_initramfs(driver, kernel, _NONE) for driver in disks)


@check(
    "initrd.readable",
    "the initramfs can be unpacked",
    Severity.ERROR,
    remedy="Make it again with enough free space: update-initramfs -u -k VERSION, or dracut -f --kver VERSION.",
)
def readable(subject: Subject) -> Iterator[Observation]:
    """The initramfs can be unpacked.

    Why: a full `/boot` or an interrupted build leaves half an initramfs. The kernel says "junk within compressed
    archive" or "write error", goes on without it, and stops at the root file system.

    How: unpacked as Linux does: cpio archives of the newc form one after the other (microcode first), zeros between
    them, each plain or compressed with gzip, bzip2, lzma, xz, lz4 or zstd, up to the last byte. Every file name is
    read, nothing is written. Skipped for lzop, and for what is larger than 176 MiB.

    Fix: make room in `/boot`, then `update-initramfs -u -k VERSION` or `dracut -f --kver VERSION`. For xz, the
    integrity check must be CRC32 (`xz --check=crc32`).

    Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst; init/initramfs.c;
    Documentation/staging/xz.rst.
    """
    initramfs = booted_kernel(subject).initramfs.known()
    if initramfs is None:
        raise NotKnownError("the kernel has no initramfs")
    if initramfs.damage:
        yield Observation(
            "Linux cannot unpack the initramfs",
            observed=initramfs.damage,
            expected="cpio archives, plain or compressed, up to the end of the file",
            evidence=f"{quote(initramfs.path)}, {initramfs.size_bytes} bytes",
        )


@check(
    "initrd.version",
    "the modules in the initramfs are for its kernel",
    Severity.ERROR,
    remedy="Make the initramfs for this version: update-initramfs -c -k VERSION, or dracut -f --kver VERSION.",
)
def version(subject: Subject) -> Iterator[Observation]:
    """The modules in the initramfs are for its kernel.

    Why: a kernel loads modules from the directory of its own version alone. An initramfs that was copied or renamed
    from another kernel has all drivers, and none of them is found.

    How: the initramfs holds `lib/modules/VERSION` for the version of the kernel that would be started. One without any
    module is not judged here.

    Fix: `update-initramfs -c -k VERSION`, `dracut -f --kver VERSION`.

    Source: kmod, modprobe(8); Linux, init/main.c and `uname -r`.
    """
    kernel, initramfs = booted_kernel(subject), booted_initramfs(subject)
    if not initramfs.module_versions:
        raise NotKnownError("the initramfs holds no modules")
    if kernel.version not in initramfs.module_versions:
        yield Observation(
            "the initramfs holds the modules of another kernel",
            observed=", ".join(quote(each) for each in initramfs.module_versions[:4]),
            expected=quote(kernel.version),
            evidence=quote(initramfs.path),
        )


@check(
    "initrd.hostonly",
    "the initramfs is made for any machine",
    Severity.WARNING,
    remedy="Make it general: MODULES=most in initramfs.conf and update-initramfs -u, or dracut -f --no-hostonly.",
)
def hostonly(subject: Subject) -> Iterator[Observation]:
    """The initramfs is made for any machine.

    Why: built for the machine that it is built on, an initramfs holds the drivers of a virtual machine and no others.
    Even if those of today's servers happen to be inside, the next range of servers may need one that is not.

    How: by the traces that the builders leave: `--hostonly` in dracut's build-parameter.txt or its list of host-only
    files, `MODULES=dep` or `MODULES=list` in the initramfs.conf inside, the hook `autodetect` in mkinitcpio's
    buildconfig.

    Fix: `hostonly="no"` in /etc/dracut.conf.d and `dracut -f --regenerate-all`; `MODULES=most` in
    /etc/initramfs-tools/initramfs.conf (and conf.d/driver-policy) and `update-initramfs -u`; remove `autodetect` from
    HOOKS in /etc/mkinitcpio.conf and `mkinitcpio -P`.

    Source: dracut.conf(5); initramfs.conf(5); mkinitcpio(8); kubernetes-sigs/image-builder issue 1287,
    aws/eks-anywhere issue 2462.
    """
    initramfs = booted_initramfs(subject)
    if initramfs.host_only:
        yield Observation(
            "the initramfs is made for the machine that it was built on",
            observed=quote(initramfs.host_only),
            expected="an initramfs with the drivers of any machine",
            evidence=quote(initramfs.path),
        )
