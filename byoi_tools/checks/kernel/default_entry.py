"""What the menu starts when nobody is there: a kernel and an initrd that exist, and the root to go on with."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain, default_entry, link_place
from byoi_tools.checks.boot_commands import WRITE_MENU
from byoi_tools.checks.check import check
from byoi_tools.checks.esp.systemd_boot import is_told_by_menu
from byoi_tools.checks.subject import Subject
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootChain, LinkKind
from byoi_tools.model.quoting import quote

_CONSEQUENCES = {
    LinkKind.ENTRY: "the boot loader has no entry to start",
    LinkKind.SEARCH: "the default entry searches for a file system that is not in the image",
    LinkKind.KERNEL: "the default entry starts a kernel that does not exist",
    LinkKind.INITRD: "the default entry loads an initrd that does not exist",
}
_ROOTLESS = ("rdinit", "talos.platform", "zfs", "nfsroot", "rootfstype", "ostree")


@check(
    "kernel.default-exists",
    "the default entry of the boot loader starts a kernel and an initrd that exist",
    Severity.ERROR,
    remedy=f"Write the configuration again in the image: {WRITE_MENU} or kernel-install add.",
)
def default_exists(subject: Subject) -> Iterator[Observation]:
    """The default entry of the boot loader starts a kernel and an initrd that exist.

    Why: a kernel that was removed after the menu was written leaves an entry behind that ends in "file not found", and
    the server waits for a keyboard. The same happens when `/boot` became a partition of its own afterwards.

    How: the configuration is followed as the loader does it: GRUB's `set default`, the entry saved in grubenv, titles,
    ids, numbers and submenus, entries of the Boot Loader Specification; systemd-boot's `default` and its order;
    SYSLINUX's DEFAULT. The kernel and each initrd of that entry must be on the file system that the entry searches for.
    Skipped where the boot ends before (`esp.grub-stub-target`, `bios.grub-prefix`), where a file system is not read, or
    where `esp.sdboot-entries` tells the same.

    Fix: `update-grub` (Debian), `grub2-mkconfig -o /boot/grub2/grub.cfg`, or `kernel-install add VERSION
    /boot/vmlinuz-VERSION`, in the image.

    Source: GRUB manual, "default"; UAPI Group, Boot Loader Specification; SYSLINUX, doc/syslinux.txt.
    """
    chain = boot_chain(subject)
    broken = chain.broken
    is_ours = (
        broken is not None
        and (broken.kind in _CONSEQUENCES)
        and (broken.kind is not LinkKind.SEARCH or chain.entry is not None)
    )
    if broken is not None and is_ours:
        if _is_systemd_boot(subject, chain) and is_told_by_menu(subject, chain.entry):
            raise NotKnownError(
                "the menu of systemd-boot has no default entry that starts: esp.sdboot-entries tells it"
            )
        yield Observation(
            _CONSEQUENCES[broken.kind],
            observed=f"{quote(broken.name)}: {broken.problem}",
            expected="a kernel and an initrd on a file system of the image",
            evidence=link_place(broken),
        )
    elif chain.entry is None:
        default_entry(subject)


@check(
    "kernel.cmdline-root",
    "the kernel is told where its root file system is",
    Severity.ERROR,
    remedy="Add root=UUID=... to the kernel's command line (GRUB_CMDLINE_LINUX, /etc/kernel/cmdline), and rebuild it.",
)
def cmdline_root(subject: Subject) -> Iterator[Observation]:
    """The kernel is told where its root file system is.

    Why: without `root=` the initramfs has nothing to mount: it waits, and ends in a shell or a kernel panic ("Unable
    to mount root fs"). Nobody can type the missing word on a server.

    How: the command line of the default entry has `root=`, or another way to a root that is known (`zfs=`, `ostree=`,
    `rdinit=`, Talos). A loader of systemd may go without when the disk has a partition of the type "Linux root".

    Fix: add `root=UUID=...` (`blkid` shows it) to the configuration from which the entry is made, and make it again.

    Source: Linux, Documentation/admin-guide/kernel-parameters.txt; systemd-gpt-auto-generator(8).
    """
    entry = default_entry(subject)
    line = entry.command_line
    if line.has("root") or any(line.has(name) for name in _ROOTLESS):
        return
    chain = boot_chain(subject)
    is_found_by_type = LinkKind.PREFIX not in {link.kind for link in chain.links} and chain.loader
    if is_found_by_type and subject.disk.partitions_of_kind(PartitionKind.LINUX_ROOT):
        raise NotKnownError("without root= systemd finds the partition by its type, if the initramfs has systemd")
    yield Observation(
        "the kernel's command line does not say where the root file system is",
        observed=quote(line.text) if line.text else "an empty command line",
        expected="root=UUID=...",
        evidence=quote(entry.place),
    )


def _is_systemd_boot(subject: Subject, chain: BootChain) -> bool:
    program = subject.esp_content.program(chain.loader) if chain.loader else None
    return program is not None and program.kind is LoaderKind.SYSTEMD_BOOT
