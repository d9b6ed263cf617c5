"""The EFI programs themselves: PE images that the server's firmware can load, and unified kernel images."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import entry_points, loader_in_use, place, shown, with_second_stages
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.disks.esp import EfiProgram, LoaderKind
from byoi_tools.model.disks.pe import EFI_APPLICATION, Machine, PeImage
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_UKI_SECTIONS = {
    ".linux": Severity.ERROR,
    ".initrd": Severity.WARNING,
    ".cmdline": Severity.ERROR,
    ".osrel": Severity.WARNING,
}


@check(
    "esp.pe-valid",
    "the EFI programs are complete PE images",
    Severity.ERROR,
    remedy="Install the boot loader into the image again; compare the file's size with the package's.",
    boot=BootMode.UEFI,
)
def pe_valid(subject: Subject) -> Iterator[Observation]:
    """The EFI programs are complete PE images.

    Why: firmware refuses a damaged program with "Load Error", and the server goes on to rEFInd. The usual cause is an
    ESP that was full, or not unmounted, when the image was taken.

    How: each `.efi` file has MZ and PE headers, and all its sections and certificates lie within the file. Those that
    a server starts (the loader in use, the fallback loader, what a shim loads) are EFI applications, subsystem 10;
    defects of the others are warnings.

    Fix: install the loader again in the image, with room in the ESP, and unmount the ESP before the image is taken.

    Source: UEFI specification 2.10, section 2.1.1; Microsoft, PE Format.
    """
    content = subject.esp_content
    started = _started_programs(subject)
    for program in content.programs:
        problem = _problem_of_image(program, is_started=program in started)
        if problem:
            yield Observation(
                f"{shown(program.path)} is not a program that firmware can load",
                observed=problem,
                expected="a complete PE image, subsystem 10 (EFI application)",
                evidence=place(subject, program.path),
                severity=None if program in started else Severity.WARNING,
            )


def _started_programs(subject: Subject) -> tuple[EfiProgram, ...]:
    try:
        return with_second_stages(subject, entry_points(subject))
    except NotKnownError:
        return ()


def _problem_of_image(program: EfiProgram, *, is_started: bool) -> str:
    if program.pe is None:
        return program.problem or "no PE image"
    if program.pe.required_bytes > program.size_bytes:
        return f"a file of {program.size_bytes} bytes whose headers need {program.pe.required_bytes}"
    if is_started and program.pe.subsystem != EFI_APPLICATION:
        return f"subsystem {program.pe.subsystem}"
    return ""


@check(
    "esp.pe-arch",
    "the programs that a server starts are for x86-64",
    Severity.ERROR,
    remedy="Install the x86-64 loader: grub-install --target=x86_64-efi --no-nvram --removable",
    boot=BootMode.UEFI,
)
def pe_arch(subject: Subject) -> Iterator[Observation]:
    """The programs that a server starts are for x86-64.

    Why: 64-bit firmware of a server does not load programs for IA-32 or AArch64; it reports "Unsupported", and the
    server goes on to rEFInd. Loaders for small tablets and for Arm boards are common in multi-platform images.

    How: the machine field of the loader in use, of the fallback loader and of what a shim loads is 0x8664. Other
    programs of the ESP may be for other machines.

    Fix: `grub-install --target=x86_64-efi --no-nvram --removable`, or build the image for amd64.

    Source: UEFI specification 2.10, section 2.3.4; Microsoft, PE Format, "Machine Types". The provider's servers that
    take images of one's own are x86-64.
    """
    for program in with_second_stages(subject, entry_points(subject)):
        if program.pe is not None and program.pe.machine != Machine.X86_64:
            yield Observation(
                f"{shown(program.path)} is for another processor than the server's",
                observed=f"machine {_machine_name(program.pe)}",
                expected="machine 0x8664 (x86-64)",
                evidence=f"{place(subject, program.path)}, COFF header",
            )


def _machine_name(pe: PeImage) -> str:
    known = next((machine.name for machine in Machine if machine == pe.machine), "unknown")
    return f"{pe.machine:#06x} ({known})"


@check(
    "esp.uki-valid",
    "unified kernel images hold a kernel, an initrd, a command line and an os-release",
    Severity.ERROR,
    remedy="Build it again with every part: ukify build --linux= --initrd= --cmdline= --os-release= --output=",
    boot=BootMode.UEFI,
)
def uki_valid(subject: Subject) -> Iterator[Observation]:
    """Unified kernel images hold a kernel, an initrd, a command line and an os-release.

    Why: nobody passes a command line on the provider's servers: the one in the image is all that there is. Without it
    the kernel has no `root=` and no `console=`; without the initrd it has no drivers for the disk.

    How: the sections `.linux`, `.initrd`, `.cmdline` and `.osrel` exist and are not empty. A missing kernel or command
    line is an error; a missing initrd (a kernel with all drivers built in) or os-release (systemd-boot does not list
    such an image) a warning. Skipped where the ESP holds no unified kernel image.

    Fix: `ukify build --linux=vmlinuz --initrd=initrd --cmdline=@/etc/kernel/cmdline --os-release=@/etc/os-release
    --output=image.efi`.

    Source: UAPI Group specification "Unified Kernel Image"; systemd-stub(7).
    """
    images = [program for program in subject.esp_content.programs if program.kind is LoaderKind.UKI]
    if not images:
        raise NotKnownError("the ESP holds no unified kernel image")
    for program in images:
        for name, severity in _UKI_SECTIONS.items():
            section = program.pe.section(name) if program.pe is not None else None
            if section is None or not section.size_bytes:
                yield Observation(
                    f"the unified kernel image {shown(program.path)} has no {name} part",
                    observed="no such section" if section is None else "an empty section",
                    expected=f"a section {name}",
                    evidence=place(subject, program.path),
                    severity=severity,
                )


@check(
    "esp.uki-path",
    "the loader path does not name a unified kernel image",
    Severity.WARNING,
    remedy="Start a loader that starts the kernel image: systemd-boot (bootctl install) or GRUB.",
    boot=BootMode.UEFI,
    product=Product.BYOI,
)
def uki_path(subject: Subject) -> Iterator[Observation]:
    r"""The loader path does not name a unified kernel image.

    Why: the path is stored with the provider, and the name of a kernel image has its version in it: the first kernel
    update breaks the boot, and there is no menu to choose the former kernel. A user in production with the provider
    chose GRUB over kernel images for how iPXE starts them.

    How: the loader in use (the declared one, else the best one) has the sections of a unified kernel image.

    Fix: `bootctl install` puts systemd-boot at `\EFI\BOOT\BOOTX64.EFI`, which finds the images in `\EFI\Linux`.

    Source: xd-ventures/tf-xd-venture-talos01, ADR 0002; siderolabs/talos issue 12300.
    """
    loader = loader_in_use(subject)
    if loader.kind is LoaderKind.UKI:
        yield Observation(
            "the loader path names a unified kernel image, which the next kernel update may rename",
            observed=shown(loader.path),
            expected="shim, GRUB or systemd-boot",
            evidence=place(subject, loader.path),
        )
