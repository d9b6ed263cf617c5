"""The operating systems behind the loaders: Windows, FreeBSD, and an image that is not made for this boot mode."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import is_made_for_uefi_only, require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import place, shown
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_WINDOWS_LOADER = "EFI/Microsoft/Boot/bootmgfw.efi"
_WINDOWS_STORE = "EFI/Microsoft/Boot/BCD"
_FREEBSD_LOADER = "EFI/FreeBSD/loader.efi"


@check(
    "esp.windows",
    "the Windows Boot Manager has its configuration store",
    Severity.INFO,
    remedy="Make both in Windows: bcdboot C:\\Windows /s S: /f UEFI",
    boot=BootMode.UEFI,
)
def windows(subject: Subject) -> Iterator[Observation]:
    r"""The Windows Boot Manager has its configuration store.

    Why: `bootmgfw.efi` reads from the BCD store beside it which partition holds Windows. Without the store it stops
    at "The Boot Configuration Data for your PC is missing". On the server the store must also name the right partition.

    How: `\EFI\Microsoft\Boot\bootmgfw.efi` and `\EFI\Microsoft\Boot\BCD` are both there, or both not. What the store
    says is not read. Skipped where there is neither.

    Fix: `bcdboot C:\Windows /s S: /f UEFI` in Windows or its recovery console, S: being the ESP.

    Source: Microsoft, "BCDBoot command-line options"; OVHcloud guide Configure a Windows server by BYOI (the loader
    path `\efi\microsoft\boot\bootmgfw.efi`).
    """
    content = subject.esp_content
    missing = [path for path in (_WINDOWS_LOADER, _WINDOWS_STORE) if content.find(path) is None]
    if len(missing) == 2:
        raise NotKnownError("the ESP holds no Windows Boot Manager")
    for path in missing:
        yield Observation(
            "the Windows Boot Manager is there in part only, and does not start Windows",
            observed=f"no {shown(path)}",
            expected=f"{shown(_WINDOWS_LOADER)} and {shown(_WINDOWS_STORE)}",
            evidence=place(subject, path),
        )


@check(
    "esp.freebsd",
    "the FreeBSD loader is at its documented path and has a file system to start from",
    Severity.INFO,
    remedy="Copy the loader to \\EFI\\FreeBSD\\loader.efi, and declare that path.",
    boot=BootMode.UEFI,
)
def freebsd(subject: Subject) -> Iterator[Observation]:
    r"""The FreeBSD loader is at its documented path and has a file system to start from.

    Why: the provider documents `\efi\FreeBSD\loader.efi` for FreeBSD. Published FreeBSD images have the loader at
    `\EFI\BOOT\BOOTX64.EFI` alone, where the documented path fails. On FreeBSD it is `nuageinit`, not cloud-init, that
    reads the config drive.

    How: when a program of the ESP is FreeBSD's loader: one is at `\EFI\FreeBSD\loader.efi`, or a path is declared; and
    the disk has a UFS or ZFS partition. Skipped where the ESP holds no FreeBSD loader.

    Fix: declare the path that `byoi-tools inspect IMAGE` lists, or `mkdir /boot/efi/efi/freebsd` and copy
    `/boot/loader.efi` there. Set `nuageinit_enable="YES"` in rc.conf.

    Source: OVHcloud guide Bring Your Own Image, table of loader paths; FreeBSD loader.efi(8).
    """
    content = subject.esp_content
    loaders = [program for program in content.programs if program.kind is LoaderKind.FREEBSD]
    if not loaders:
        raise NotKnownError("the ESP holds no FreeBSD loader")
    if subject.intent.loader_path is None and content.find(_FREEBSD_LOADER) is None:
        yield Observation(
            "the FreeBSD loader is not at the path that the provider documents for FreeBSD",
            observed=shown(loaders[0].path),
            expected=shown(_FREEBSD_LOADER),
            evidence=place(subject, loaders[0].path),
        )
    kinds = (PartitionKind.FREEBSD_FILE_SYSTEM, PartitionKind.SOLARIS_ZFS)
    if not subject.disk.partitions_of_kind(*kinds):
        yield Observation(
            "the FreeBSD loader finds no file system of FreeBSD on this disk",
            observed="no partition of type freebsd-ufs or freebsd-zfs",
            expected="the partition that holds FreeBSD's /boot",
            evidence=place(subject, loaders[0].path),
            remedy="Build the image with the root file system on the same disk, with its right type (gpart modify -t).",
        )


@check(
    "esp.boot-mode-support",
    "the image is made for the boot mode of the server",
    Severity.ERROR,
    remedy="Install a loader for this boot mode too, or choose a server (or --boot) of the other one.",
)
def boot_mode_support(subject: Subject) -> Iterator[Observation]:
    r"""The image is made for the boot mode of the server.

    Why: a server boots by UEFI or by legacy BIOS, and the provider does not change that. An image for the other one is
    installed without complaint, reported as done, and never leaves the network boot.

    How: for UEFI, the ESP is there and holds an EFI program at all. For legacy, the image is not one that only UEFI
    could start: boot code, or a BIOS boot partition that waits for it, or no loader in an ESP. Single missing pieces
    are told by `esp.present` and `bios.mbr-code`.

    Fix: install both: `grub-install --target=x86_64-efi --no-nvram --removable` and, with a BIOS boot partition,
    `grub-install --target=i386-pc /dev/DISK`.

    Source: OVHcloud API, `dedicated.server.BootModeEnum` (`bootMode` of specifications/hardware); OVHcloud guide
    Understand the Dedicated Server boot process.
    """
    require_table(subject)
    if subject.intent.boot is BootMode.UEFI:
        if not subject.esp_content.programs:
            yield Observation(
                "the server boots by UEFI, and the EFI system partition holds no EFI program",
                observed=f"{len(subject.esp_content.entries)} files and directories, none ends in .efi",
                expected=r"a loader such as \EFI\BOOT\BOOTX64.EFI",
                evidence=place(subject),
            )
    elif is_made_for_uefi_only(subject):
        yield Observation(
            "the server boots by legacy BIOS, and the image is made for UEFI only",
            observed="an EFI loader, no boot code in LBA 0 and no BIOS boot partition",
            expected="boot code in LBA 0, and on a GPT disk a BIOS boot partition for GRUB",
            evidence="LBA 0, bytes 0-439",
        )
