"""Reads the head of a Linux kernel image: x86's bzImage, arm64's Image, EFI's zboot, ELF.

Linux, Documentation/arch/x86/boot.rst; Documentation/arch/arm64/booting.rst; efi/libstub/zboot-header.S.
"""

from __future__ import annotations

import struct

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.elf import read_elf_machine
from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.pe import Machine
from byoi_tools.model.guest.kernels import KernelImage

HEAD_BYTES = 64 * 1024
"""What the reader wants of the file: the largest setup that the boot protocol knows, 64 sectors, and more."""
_RELEASE_LIMIT_BYTES = 256
_SECTOR = 512
_LOADED_64_BIT = 1  # XLF_KERNEL_64


def read_kernel(head: bytes) -> KernelImage | None:
    """Return what the first 64 KiB of a kernel image say of it; None where they are no kernel. Never raises."""
    if head[0x202:0x206] == b"HdrS" and len(head) > 0x250:
        return _read_bzimage(head)
    if head[0x38:0x3C] == b"ARM\x64":
        return KernelImage("aarch64", "", head.startswith(b"MZ"), 0)
    if head[:2] == b"MZ" and head[4:8] == b"zimg":
        return KernelImage(_pe_machine(head), "", True, 0)
    machine = read_elf_machine(head)
    return KernelImage(machine, "", False, 0) if machine else None


def _read_bzimage(head: bytes) -> KernelImage:
    sectors = head[0x1F1] or 4
    (paragraphs,) = struct.unpack_from("<I", head, 0x1F4)
    protocol, place, flags = (struct.unpack_from("<H", head, offset)[0] for offset in (0x206, 0x20E, 0x236))
    release = head[place + 0x200 : place + 0x200 + _RELEASE_LIMIT_BYTES] if place else b""
    machine = _pe_machine(head)
    return KernelImage(
        machine=machine or ("x86_64" if protocol >= 0x020C and flags & _LOADED_64_BIT else "i386"),
        release=release.split(b"\0")[0].split(b" ")[0].decode("ascii", "replace"),
        has_efi_stub=bool(machine),
        required_bytes=(sectors + 1) * _SECTOR + paragraphs * 16,
    )


def _pe_machine(head: bytes) -> str:
    """The machine of the PE header before an EFI stub; empty where there is none."""
    try:
        machine = read_pe(Memory(head)).machine
    except ImageMalformed:
        return ""
    return Machine(machine).name.lower() if machine in list(Machine) else ""
