"""The loader that the provider is told to start: whether it is there, the best one, and what else could be started."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import (
    FALLBACK_PATH,
    loader_in_use,
    place,
    rival_loaders,
    shown,
)
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.disks.esp import EfiProgram, EspContent, efi_path, fold_path
from byoi_tools.model.disks.loader import choose_loader, loader_candidates
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_LISTED = 8
_DOUBLED_INSIDE = "has doubled backslashes, which not all firmware takes for one"
_HARMLESS = re.compile(r"[\w .+\\-]+", re.ASCII)


@check(
    "esp.loader-declared",
    "the declared loader path names a file of the EFI system partition",
    Severity.ERROR,
    remedy="Declare a path that `byoi-tools inspect IMAGE` lists, or leave it out: byoi-tools finds the best one.",
    boot=BootMode.UEFI,
    product=Product.BYOI,
)
def loader_declared(subject: Subject) -> Iterator[Observation]:
    r"""The declared loader path names a file of the EFI system partition.

    Why: the provider's iPXE starts exactly `efiBootloaderPath`, at every boot. A path that does not exist makes it fall
    back to rEFInd, and the server waits at a menu that nobody sees.

    How: the path is looked up in the ESP as firmware does it: single backslashes between the names, upper and lower
    case equal. A directory or an empty file does not count. Backslashes that are doubled inside of the path only are a
    warning: EDK2 accepts them. Skipped when no path is declared.

    Fix: declare the path of a file that exists, with single backslashes, in single quotes so that the shell leaves them
    alone: `--efi-bootloader-path '\EFI\debian\grubx64.efi'`.

    Source: OVHcloud guide Understand the Dedicated Server boot process: "If sanboot fails (e.g. the specified file is
    broken or cannot be found), iPXE falls back to rEFInd"; iPXE, efi_block.c, hands the path to the firmware as it is;
    EDK2, FatPkg; ovh/bringyourownlinux issue 10.
    """
    path = subject.intent.loader_path
    if path is None:
        raise NotKnownError("no loader path is declared; esp.loader-suggest judges what the ESP offers")
    content = _content_with_programs(subject)
    problem = _problem_of_path(content, path)
    if problem:
        best = _meant(content, path)
        yield Observation(
            f"the declared loader path {problem}",
            observed=quote(path),
            expected=f"a file such as {shown(best.path)}" if best else "the path of an EFI program",
            evidence=place(subject),
            remedy=_declare(best) if best else None,
            severity=Severity.WARNING if problem == _DOUBLED_INSIDE else None,
        )


def _content_with_programs(subject: Subject) -> EspContent:
    if not subject.esp_content.programs:
        raise NotKnownError("the ESP holds no EFI program at all (esp.boot-mode-support)")
    return subject.esp_content


def _problem_of_path(content: EspContent, path: str) -> str:
    """Why firmware does not open the path, by EDK2's FAT driver (FatLocateOFile, FatGetNextNameComponent)."""
    entry = content.find(_collapse(path))
    if entry is None:
        return "does not exist in the EFI system partition"
    if entry.is_directory:
        return "names a directory"
    if entry.size_bytes == 0:
        return "names an empty file"
    if "/" in path:
        return "has slashes where UEFI has backslashes"
    if path.endswith("\\"):
        return "ends in a backslash, as if it were a directory"
    if path.startswith("\\\\"):
        return "starts with two backslashes, behind which firmware finds the root directory only"
    return _DOUBLED_INSIDE if "\\\\" in path else ""


def _collapse(path: str) -> str:
    return re.sub(r"[\\/]+", "/", path)


def _meant(content: EspContent, path: str) -> EfiProgram | None:
    """The program that the user probably means: the same path, else the same file name, else the best loader."""
    wanted = fold_path(_collapse(path))
    name = wanted.rpartition("/")[2]
    candidates = loader_candidates(content)
    same_path = [program for program in candidates if fold_path(program.path) == wanted]
    same_name = [program for program in candidates if fold_path(program.path).endswith(f"/{name}")]
    return next(iter([*same_path, *same_name, *candidates]), None)


@check(
    "esp.loader-suggest",
    "the loader path is the best choice that the EFI system partition offers",
    Severity.INFO,
    remedy="Declare the loader that the system's own updates maintain: --efi-bootloader-path PATH.",
    boot=BootMode.UEFI,
)
def loader_suggest(subject: Subject) -> Iterator[Observation]:
    r"""The loader path is the best choice that the EFI system partition offers.

    Why: the path stays in the provider's database for the life of the server. It should name the loader that the
    system keeps up to date, and the first of its chain: shim before GRUB, a menu before a single kernel.

    How: the x86-64 programs are ranked by kind (shim, GRUB, systemd-boot, unified kernel image, Windows, FreeBSD,
    others). This fails when a declared loader is of a lower kind than the best, or when none is declared and several
    vendors' directories hold one of the best kind, so that only the alphabet would choose. A single candidate passes.

    Fix: declare the path: `--efi-bootloader-path '\EFI\debian\shimx64.efi'`; `byoi-tools inspect IMAGE` lists all.

    Source: the provider's table of loader paths (OVHcloud guide Bring Your Own Image); the order is this project's own.
    """
    content = subject.esp_content
    if subject.intent.loader_path is None:
        rivals = rival_loaders(content)
        if rivals:
            yield Observation(
                "several loaders are equally good, and none is declared",
                observed=_list(rivals),
                expected="one declared loader path",
                evidence=place(subject),
            )
        return
    used, best = loader_in_use(subject), choose_loader(content)
    if best is not None and used in loader_candidates(content) and used.kind is not best.kind:
        yield Observation(
            f"the declared loader is {used.kind.value}, and the EFI system partition has {best.kind.value} too",
            observed=shown(used.path),
            expected=shown(best.path),
            evidence=place(subject),
            remedy=_declare(best),
        )


def _declare(program: EfiProgram) -> str | None:
    """The flag to copy, for paths that no shell can take for anything else."""
    path = efi_path(program.path)
    return f"Declare --efi-bootloader-path '{path}'" if _HARMLESS.fullmatch(path) else None


def _list(programs: tuple[EfiProgram, ...]) -> str:
    return ", ".join(shown(program.path) for program in programs[:_LISTED])


@check(
    "esp.fallback",
    r"the fallback loader \EFI\BOOT\BOOTX64.EFI exists",
    Severity.WARNING,
    remedy="Install a second copy of the loader there: grub-install --target=x86_64-efi --no-nvram --removable",
    boot=BootMode.UEFI,
)
def fallback(subject: Subject) -> Iterator[Observation]:
    r"""The fallback loader \EFI\BOOT\BOOTX64.EFI exists.

    Why: the provider makes no boot entries in the firmware. When `efiBootloaderPath` is lost or wrong, this path is
    what firmware and rEFInd try by themselves; without it nothing boots until somebody comes with a console.

    How: the file is looked up in the ESP, in any case. Skipped where `esp.nvram-dependence` tells the worse story.

    Fix: `grub-install --target=x86_64-efi --no-nvram --removable` in the system, `bootctl install` for systemd-boot, or
    copy the loader there: `mcopy -i IMAGE.raw@@OFFSET loader.efi ::/EFI/BOOT/BOOTX64.EFI`.

    Source: UEFI specification 2.10, section 3.5.1.1; OVHcloud guide Understand the Dedicated Server boot process:
    "OVHcloud does not create EFI boot entries".
    """
    content = _content_with_programs(subject)
    if _is_hidden(subject):
        raise NotKnownError("nothing finds any loader of this ESP by itself (esp.nvram-dependence)")
    if content.find(FALLBACK_PATH) is None:
        yield Observation(
            "the fallback loader is missing, so nothing boots once the loader path is lost or wrong",
            observed=f"no {shown(FALLBACK_PATH)}",
            expected=f"a loader at {shown(FALLBACK_PATH)}",
            evidence=place(subject),
        )


@check(
    "esp.nvram-dependence",
    "a loader is where firmware or rEFInd look by themselves, or its path is declared",
    Severity.WARNING,
    remedy="Declare the path (--efi-bootloader-path), and install the fallback loader: grub-install --removable.",
    boot=BootMode.UEFI,
)
def nvram_dependence(subject: Subject) -> Iterator[Observation]:
    r"""A loader is where firmware or rEFInd look by themselves, or its path is declared.

    Why: on the machine where the image was built, a boot entry in the firmware's memory (NVRAM) named the loader. The
    provider's servers get no such entry: a loader at an unusual place is found by nobody.

    How: no path is declared, `\EFI\BOOT\BOOTX64.EFI` does not exist, and no x86-64 program lies directly in a directory
    below `\EFI` (where rEFInd looks) or at `\EFI\Microsoft\Boot\bootmgfw.efi`.

    Fix: declare the path; better also `grub-install --target=x86_64-efi --no-nvram --removable`.

    Source: UEFI specification 2.10, section 3.5.1.1; rEFInd documentation, "also_scan_dirs" and its defaults; OVHcloud
    guide Understand the Dedicated Server boot process: "OVHcloud does not create EFI boot entries".
    """
    if _is_hidden(subject):
        candidates = loader_candidates(subject.esp_content)
        yield Observation(
            "the loader is at a place that only a boot entry in the firmware's memory could name",
            observed=_list(candidates),
            expected=rf"{shown(FALLBACK_PATH)}, a program in \EFI\VENDOR, or a declared path",
            evidence=place(subject, candidates[0].path),
        )


def _is_hidden(subject: Subject) -> bool:
    content = subject.esp_content
    candidates = loader_candidates(content)
    if subject.intent.loader_path is not None or content.find(FALLBACK_PATH) is not None or not candidates:
        return False
    return not any(_is_searched(fold_path(program.path)) for program in candidates)


def _is_searched(path: str) -> bool:
    return (path.startswith("EFI/") and path.count("/") == 2) or path == "EFI/MICROSOFT/BOOT/BOOTMGFW.EFI"


@check(
    "esp.stale-vendor-dirs",
    "the EFI system partition holds no loaders of other systems",
    Severity.INFO,
    remedy="Delete the directories of systems that the image does not hold.",
    boot=BootMode.UEFI,
)
def stale_vendor_dirs(subject: Subject) -> Iterator[Observation]:
    r"""The EFI system partition holds no loaders of other systems.

    Why: shim's fallback and rEFInd offer every directory below `\EFI`. A directory that a former system or another
    distribution left behind may be started instead of the system in the image.

    How: directories below `\EFI` that hold EFI programs, save `BOOT`, `Linux`, `systemd` and `tools`, that of the
    loader in use and those that its GRUB reads. Skipped where it is not clear which loader is in use.

    Fix: delete them: `mdeltree -i IMAGE.raw@@OFFSET ::/EFI/VENDOR`, or in the system `rm -r /boot/efi/EFI/VENDOR`.

    Source: shim, fallback.c (it reads the CSV of every directory); rEFInd documentation.
    """
    content = subject.esp_content
    if subject.intent.loader_path is None and rival_loaders(content):
        raise NotKnownError("several loaders are equally good, and none is declared (esp.loader-suggest)")
    vendors = {vendor: program.path.split("/")[1] for program in content.programs if (vendor := _vendor(program.path))}
    used = _vendors_in_use(loader_in_use(subject))
    stale = [name for vendor, name in vendors.items() if vendor not in used]
    if stale and (used & set(vendors) or len(stale) > 1):
        yield Observation(
            "the EFI system partition holds the loaders of other systems too",
            observed=", ".join(shown(f"EFI/{name}") for name in stale[:_LISTED]),
            expected="only the directories of the system in the image",
            evidence=place(subject, "EFI"),
        )


_SHARED_DIRECTORIES = {"BOOT", "LINUX", "SYSTEMD", "TOOLS"}


def _vendor(path: str) -> str:
    """The folded name of the vendor's directory below `EFI` that holds the path, or nothing."""
    parts = fold_path(path).split("/")
    is_vendor = len(parts) > 2 and parts[0] == "EFI" and parts[1] not in _SHARED_DIRECTORIES
    return parts[1] if is_vendor else ""


def _vendors_in_use(loader: EfiProgram) -> set[str]:
    prefix = loader.grub.prefix if loader.grub is not None else ""
    return {_vendor(loader.path), _vendor(f"{prefix.rpartition(')')[2]}/grub.cfg")} - {""}
