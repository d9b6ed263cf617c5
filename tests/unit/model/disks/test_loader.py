"""Which program of an ESP is the loader."""

from __future__ import annotations

import pytest

from byoi_tools.model.disks.esp import EfiProgram, EspContent, LoaderKind
from byoi_tools.model.disks.fat import FatVolume
from byoi_tools.model.disks.loader import choose_loader, loader_candidates
from byoi_tools.model.disks.pe import EFI_APPLICATION, Machine, PeImage

VOLUME = FatVolume(32, 512, 1, 32, 2, 0, 81_920, 631, 80_626, 80_000, "EFI", 1, False, True, ())


def program(path: str, kind: LoaderKind, machine: int = Machine.X86_64, subsystem: int = EFI_APPLICATION) -> EfiProgram:
    pe = PeImage(machine, subsystem, True, (), 0, 512)
    return EfiProgram(path, 1024, kind, pe, "", None, "")


def content(*programs: EfiProgram) -> EspContent:
    return EspContent(VOLUME, (), programs, ())


SHIM = program("EFI/debian/shimx64.efi", LoaderKind.SHIM)
GRUB = program("EFI/debian/grubx64.efi", LoaderKind.GRUB)
FALLBACK = program("EFI/BOOT/BOOTX64.EFI", LoaderKind.GRUB)


@pytest.mark.parametrize(
    ("programs", "best"),
    [
        ((GRUB, SHIM, FALLBACK), SHIM),
        ((FALLBACK, GRUB), GRUB),
        ((program("efi/boot/bootx64.efi", LoaderKind.GRUB), GRUB), GRUB),
        ((program("EFI/ubuntu/grubx64.efi", LoaderKind.GRUB), GRUB), GRUB),
        ((program("EFI/a/k.efi", LoaderKind.UKI), program("EFI/z/s.efi", LoaderKind.SYSTEMD_BOOT), GRUB), GRUB),
        ((program("EFI/a/grubaa64.efi", LoaderKind.GRUB, machine=Machine.AARCH64), FALLBACK), FALLBACK),
        ((program("EFI/a/driver.efi", LoaderKind.SHIM, subsystem=11), GRUB), GRUB),
        ((program("EFI/debian/fbx64.efi", LoaderKind.SHIM_FALLBACK),), None),
        ((program("EFI/debian/mmx64.efi", LoaderKind.MOK_MANAGER),), None),
        ((EfiProgram("EFI/a/b.efi", 3, LoaderKind.GRUB, None, "no PE", None, ""),), None),
        ((), None),
    ],
)
def test_the_best_loader(programs: tuple[EfiProgram, ...], best: EfiProgram | None) -> None:
    assert choose_loader(content(*programs)) == best


def test_candidates_come_in_the_order_of_preference() -> None:
    linux = program("EFI/debian/vmlinuz.efi", LoaderKind.LINUX)
    assert loader_candidates(content(linux, FALLBACK, GRUB, SHIM)) == (SHIM, GRUB, FALLBACK, linux)
