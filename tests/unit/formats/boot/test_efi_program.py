"""What EFI programs are: real ones of Debian where they are installed, and small ones with the marks of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.formats.boot.efi_program import read_efi_program
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.esp import EfiProgram, LoaderKind
from tests.disk_images import OnDisk
from tests.pe_images import pe_image


def read(content: bytes, path: str = "EFI/BOOT/PROGRAM.EFI") -> EfiProgram:
    return read_efi_program(path, len(content), Memory(content))


REAL = {
    "/usr/lib/shim/shimx64.efi": LoaderKind.SHIM,
    "/usr/lib/shim/mmx64.efi": LoaderKind.MOK_MANAGER,
    "/usr/lib/shim/fbx64.efi": LoaderKind.SHIM_FALLBACK,
    "/usr/lib/systemd/boot/efi/systemd-bootx64.efi": LoaderKind.SYSTEMD_BOOT,
    "/usr/lib/systemd/boot/efi/linuxx64.efi.stub": LoaderKind.UNKNOWN,
    "/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi": LoaderKind.GRUB,
}


@pytest.mark.parametrize(("path", "kind"), REAL.items())
def test_programs_of_debian_are_known_by_their_content(path: str, kind: LoaderKind) -> None:
    source = OnDisk(Path(path))
    if not source.path.exists():
        pytest.skip(f"{path} is not installed")

    program = read_efi_program("EFI/BOOT/BOOTX64.EFI", source.size_bytes, source)

    assert (program.kind, program.problem) == (kind, "")
    assert program.second_stage == ("grubx64.efi" if kind is LoaderKind.SHIM else "")
    assert (program.grub is not None) == (kind is LoaderKind.GRUB)
    assert program.pe is not None


def sbat(component: str) -> bytes:
    return (
        f"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim\n{component},4,Some vendor,x,1,https://x\n".encode()
    )


def wide(*texts: str) -> bytes:
    return b"\0\0".join(text.encode("utf-16-le") for text in texts) + b"\0\0"


STUB = b"#### LoaderInfo: systemd-stub 252 ####\0"
MARKED = {
    "shim by its certificate": (pe_image({".data": wide("x"), ".vendor_cert": b"c"}), LoaderKind.SHIM),
    "shim by its SBAT entry": (pe_image({".data": wide("x"), ".sbat": sbat("shim")}), LoaderKind.SHIM),
    "MOK manager": (pe_image({".data": wide("Perform MOK management"), ".sbat": sbat("shim")}), LoaderKind.MOK_MANAGER),
    "fallback": (pe_image({".data": wide("BOOTX64.CSV"), ".sbat": sbat("shim")}), LoaderKind.SHIM_FALLBACK),
    "GRUB by its modules": (pe_image({".text": b"x", "mods": b"mimg" + bytes(100)}), LoaderKind.GRUB),
    "GRUB by its SBAT entry": (pe_image({".text": b"x", ".sbat": sbat("grub")}), LoaderKind.GRUB),
    "systemd-boot": (pe_image({".sdmagic": b"#### LoaderInfo: systemd-boot 252 ####\0"}), LoaderKind.SYSTEMD_BOOT),
    "UKI": (pe_image({".sdmagic": STUB, ".osrel": b"ID=x", ".cmdline": b"quiet", ".linux": b"MZ"}), LoaderKind.UKI),
    "systemd's stub alone": (pe_image({".sdmagic": STUB, ".osrel": b"ID=x"}), LoaderKind.UNKNOWN),
    "Linux on x86": (pe_image({".setup": b"x"}, stub=bytes(0x1C2) + b"HdrS"), LoaderKind.LINUX),
    "rEFInd": (pe_image({".data": wide("refind.conf", "bootmgr.exe", "Microsoft Corporation")}), LoaderKind.REFIND),
    "Windows": (pe_image({".rsrc": wide("Microsoft Corporation", "bootmgr.exe")}), LoaderKind.WINDOWS),
    "FreeBSD": (pe_image({".data": b"FreeBSD/amd64 EFI loader, Revision 1.1\0"}), LoaderKind.FREEBSD),
    "nothing known": (pe_image({".text": b"x"}), LoaderKind.UNKNOWN),
}


@pytest.mark.parametrize(("content", "kind"), MARKED.values(), ids=MARKED)
def test_programs_are_known_by_the_marks_of_their_authors(content: bytes, kind: LoaderKind) -> None:
    program = read(content)

    assert (program.kind, program.problem) == (kind, "")
    assert program.pe is not None


NAMES = {
    "EFI/debian/shimx64.efi": LoaderKind.SHIM,
    "EFI/debian/mmx64.efi": LoaderKind.MOK_MANAGER,
    "EFI/debian/fbx64.efi": LoaderKind.SHIM_FALLBACK,
    "EFI/fedora/fallback.efi": LoaderKind.SHIM_FALLBACK,
    "EFI/debian/GRUBX64.EFI": LoaderKind.GRUB,
    "EFI/systemd/systemd-bootx64.efi": LoaderKind.SYSTEMD_BOOT,
    "EFI/Microsoft/Boot/bootmgfw.efi": LoaderKind.WINDOWS,
    "EFI/refind/refind_x64.efi": LoaderKind.REFIND,
    "EFI/FreeBSD/loader.efi": LoaderKind.FREEBSD,
    "EFI/BOOT/BOOTX64.EFI": LoaderKind.UNKNOWN,
    "EFI/grubx64.efi/other.efi": LoaderKind.UNKNOWN,
}


@pytest.mark.parametrize(("path", "kind"), NAMES.items())
def test_the_name_counts_where_the_content_says_nothing(path: str, kind: LoaderKind) -> None:
    assert read(pe_image({".text": b"x"}), path).kind is kind
    assert read(b"no program", path).kind is kind
    assert read(pe_image({".sbat": sbat("grub")}), path).kind is LoaderKind.GRUB


@pytest.mark.parametrize("content", [b"", b"MZ", b"#!/bin/sh\n", bytes(1000)])
def test_what_is_no_program_has_the_reason(content: bytes) -> None:
    program = read(content)

    assert program.pe is None
    assert program.problem.startswith(("this is no EFI program: ", "the DOS header of the EFI program ends"))
    assert (program.grub, program.second_stage, program.size_bytes) == (None, "", len(content))


@pytest.mark.parametrize(
    ("strings", "name"),
    [
        ((r"\fbx64.efi", r"\mmx64.efi", r"\\grubx64.efi"), "grubx64.efi"),
        ((r"\grubaa64.efi",), "grubaa64.efi"),
        ((r"\EFI\BOOT\fbx64.efi", r"\systemd-bootx64.efi", r"\grubx64.efi"), "systemd-bootx64.efi"),
        ((r"\mmx64.efi", "grubx64.efi"), ""),
        ((r"\grubx64.efi.backup",), ""),
    ],
)
def test_second_stage_is_the_name_in_shim(strings: tuple[str, ...], name: str) -> None:
    assert read(pe_image({".data": wide(*strings), ".vendor_cert": b"c"})).second_stage == name


def test_signed_and_cut_off_programs_are_still_read() -> None:
    image = pe_image({".text": bytes(5000), ".sbat": sbat("grub")}, certificate=bytes(2000))
    program = read(image[:2000])

    assert program.pe is not None
    assert program.pe.required_bytes == len(image) > program.size_bytes
