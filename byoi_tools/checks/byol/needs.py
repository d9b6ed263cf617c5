"""What the script of Bring Your Own Linux needs: no network, mdadm, a boot loader's tools, an initramfs with RAID."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.byol.script import require_script
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.byolinux import SCRIPT_PATH, ScriptCall
from byoi_tools.model.quoting import quote

_INSTALLING = {
    "apt": ("install", "update", "upgrade", "full-upgrade", "dist-upgrade"),
    "apt-get": ("install", "update", "upgrade", "dist-upgrade"),
    "aptitude": ("install", "update", "upgrade"),
    "dnf": ("install", "update", "upgrade", "reinstall", "makecache"),
    "microdnf": ("install", "update", "upgrade", "reinstall"),
    "yum": ("install", "update", "upgrade", "reinstall"),
    "zypper": ("install", "in", "refresh", "ref", "update", "up"),
    "apk": ("add", "update", "upgrade"),
    "pacman": ("-S", "-Sy", "-Syu", "-Syyu", "--sync"),
    "pip": (),
    "pip3": (),
    "curl": (),
    "wget": (),
    "git": (),
}
_OTHER_LOADERS = frozenset(("bootctl", "extlinux", "extlinux-install", "lilo", "limine"))
_TARGETS = {BootMode.UEFI: "x86_64-efi", BootMode.LEGACY: "i386-pc"}
# Told by byol.script-dns-mdadm, or needed by some images alone.
_NOT_JUDGED = frozenset(("mdadm", "efibootmgr", *_INSTALLING))


@check(
    "byol.script-dns-mdadm",
    "the script needs no network, and the image has mdadm",
    Severity.WARNING,
    remedy="Install in the build what the script needs, mdadm among it.",
    product=Product.BYOLINUX,
)
def script_dns_mdadm(subject: Subject) -> Iterator[Observation]:
    """The script installs and downloads nothing, and `mdadm` is in the image.

    Why: names are often not resolved where the script runs, so that it fails at its first download. The provider's
    default on servers with several disks is a software RAID, which the script has to know and the initramfs to start.

    How: calls of package managers to install or update, and of `curl`, `wget`, `git` and `pip`; the program `mdadm`.

    Fix: install the packages in the build.

    Source: ovh/bringyourownlinux issue 1: DNS does not work in the chroot, mdadm is missing in stock images.
    """
    script = require_script(subject)
    online = [call for call in script.calls if _needs_network(call)]
    if online:
        yield Observation(
            "the script needs a network that may not be there",
            observed=name_some([quote(str(call)) for call in online]),
            expected="a script that works without a network",
            evidence=name_some([f"{SCRIPT_PATH} line {call.line}" for call in online]),
        )
    if "mdadm" not in subject.byolinux.programs:
        yield Observation(
            "the image has no mdadm, and the provider's default is a software RAID",
            observed="no program mdadm",
            expected="/usr/sbin/mdadm",
            evidence="/usr/sbin",
        )


@check(
    "byol.tools",
    "the image has what the script needs to install a boot loader",
    Severity.ERROR,
    remedy="Install the packages in the build: on Debian grub-efi-amd64-bin, grub-pc-bin and grub2-common.",
    product=Product.BYOLINUX,
)
def tools(subject: Subject) -> Iterator[Observation]:
    """The programs that the script calls are in the image, and GRUB's modules for the server's boot mode.

    Why: a call of a missing program ends the script, and the installation with "The script did not end properly". GRUB
    installs for a platform only where its modules are.

    How: each program of the script that is known to install a loader or to build an initramfs is looked for; when it
    calls `grub-install`, `/usr/lib/grub/x86_64-efi` for UEFI or `/usr/lib/grub/i386-pc` for legacy boot. For UEFI an
    EFI program under `/boot/efi` will do too: it is copied with the other files. Tools of file systems and LVM, which
    depend on the partitioning that is ordered, are not judged; mdadm is byol.script-dns-mdadm.

    Fix: install the packages in the build.

    Source: grub-install(8); ovh/bringyourownlinux, README and the scripts of its distributions.
    """
    setup, script = subject.byolinux, require_script(subject)
    called = dict.fromkeys(call.program for call in script.calls if call.program not in _NOT_JUDGED)
    missing = [name for name in called if name not in setup.programs]
    if missing:
        yield Observation(
            "the script calls programs that the image does not have",
            observed=name_some([quote(name) for name in missing]),
            expected="every program in the image",
            evidence=name_some([f"{SCRIPT_PATH} line {c.line}" for c in script.calls if c.program in missing]),
        )
    target = _TARGETS[subject.intent.boot]
    has_program = subject.intent.boot is BootMode.UEFI and setup.efi_programs
    if target not in setup.grub_targets and not has_program and not _OTHER_LOADERS & set(called):
        yield Observation(
            f"the image has no GRUB for {subject.intent.boot.value} boot",
            observed=name_some(list(setup.grub_targets)) or "no modules of GRUB",
            expected=f"/usr/lib/grub/{target}",
            evidence="/usr/lib/grub",
        )


@check(
    "byol.initramfs-md",
    "an initramfs that is built on the server starts a software RAID",
    Severity.WARNING,
    remedy="Install the package mdadm, or add its hook: HOOKS=(... mdadm_udev ...) for mkinitcpio, raid for mkinitfs.",
    product=Product.BYOLINUX,
)
def initramfs_md(subject: Subject) -> Iterator[Observation]:
    """The tool that builds the initramfs has a hook for software RAID.

    Why: the provider's default on servers with several disks is a software RAID; the kernel finds its root on it only
    when the initramfs starts the array.

    How: mdadm's hook of initramfs-tools or dracut, `mdadm_udev` in `/etc/mkinitcpio.conf`, `raid` in mkinitfs's
    features. Skipped without mdadm, which byol.script-dns-mdadm tells.

    Fix: install mdadm, or add the hook to the configuration, and let the script build the initramfs.

    Source: mdadm(8); ovh/bringyourownlinux, scripts of its distributions: the initramfs is built with mdadm.
    """
    setup = subject.byolinux
    if "mdadm" not in setup.programs:
        raise NotKnownError("the image has no mdadm")
    if not setup.raid_hooks:
        yield Observation(
            "an initramfs of this image starts no software RAID",
            observed="no hook of mdadm",
            expected="mdadm's hook for initramfs-tools, dracut, mkinitcpio or mkinitfs",
            evidence="/usr/share/initramfs-tools/hooks",
        )


def _needs_network(call: ScriptCall) -> bool:
    if call.program not in _INSTALLING:
        return False
    wanted = _INSTALLING[call.program]
    return not wanted or bool(set(wanted) & set(call.arguments))
