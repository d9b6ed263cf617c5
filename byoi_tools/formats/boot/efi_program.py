"""Tells what an EFI program is: by its sections and strings first, by its name second.

Sources of the marks: shim's SBAT.md; systemd's src/boot (`.sdmagic`) and the UAPI group's Unified Kernel Image
specification (`.linux`); GRUB's util/mkimage.c (`mods`); Linux' Documentation/arch/x86/boot.rst (`HdrS`); the strings
of shim's, systemd's, rEFInd's, Microsoft's and FreeBSD's programs themselves.
"""

from __future__ import annotations

import re

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.authenticode import read_issuers, read_sbat
from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.grub.image import read_grub_modules
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.esp import EfiProgram, LoaderKind
from byoi_tools.model.disks.pe import PeImage

MAX_SEARCHED_BYTES = 4 * 1024 * 1024
MAX_MODULES_BYTES = 32 * 1024 * 1024
_MAX_SBAT_BYTES = 64 * 1024
_MAX_COMMAND_LINE_BYTES = 64 * 1024
_UKI_PARTS = (".osrel", ".cmdline", ".initrd", ".uname")
_SECOND_STAGE = re.compile(rb"(?:\\\0){1,2}((?:[0-9A-Za-z_.-]\0){1,60}?\.\0e\0f\0i\0)\0\0", re.IGNORECASE)


def read_efi_program(path: str, size_bytes: int, source: ByteSource) -> EfiProgram:
    """Return what the program at `path` is. Never raises for its content: `problem` says why it is no PE image.

    Reads its headers and the sections that tell something; its first four mebibytes only where these do not say enough.
    """
    try:
        pe = read_pe(source)
    except ImageMalformed as error:
        problem = f"{error.message}: {error.details}" if error.details else error.message
        return EfiProgram(path, size_bytes, _kind_by_name(path), None, problem, None, "")
    sbat = _section(source, pe, ".sbat", _MAX_SBAT_BYTES)
    kind = _kind_by_content(source, pe, sbat) or _kind_by_name(path)
    return EfiProgram(
        path=path,
        size_bytes=size_bytes,
        kind=kind,
        pe=pe,
        problem="",
        grub=read_grub_modules(_section(source, pe, "mods", MAX_MODULES_BYTES)),
        second_stage=_second_stage(_head(source)) if kind is LoaderKind.SHIM else "",
        command_line=_text(_section(source, pe, ".cmdline", _MAX_COMMAND_LINE_BYTES)) if kind is LoaderKind.UKI else "",
        issuers=read_issuers(source, pe),
        sbat=read_sbat(sbat),
    )


def _kind_by_content(source: ByteSource, pe: PeImage, sbat: bytes) -> LoaderKind | None:
    if pe.section(".vendor_cert"):
        return LoaderKind.SHIM
    if b"\nshim," in sbat:
        return _kind_of_shim_program(_head(source))
    if pe.section(".linux") and any(pe.section(name) for name in _UKI_PARTS):
        return LoaderKind.UKI
    if pe.section("mods") or b"\ngrub," in sbat:
        return LoaderKind.GRUB
    return _kind_by_strings(_head(source))


def _kind_by_strings(head: bytes) -> LoaderKind | None:
    if b"#### LoaderInfo: systemd-boot " in head:
        return LoaderKind.SYSTEMD_BOOT
    if head[0x202:0x206] == b"HdrS" or head[0x38:0x3C] == b"ARMd":
        return LoaderKind.LINUX
    return next((kind for marks, kind in _STRINGS if all(mark in head for mark in marks)), None)


def _kind_of_shim_program(head: bytes) -> LoaderKind:
    """Which of the three programs of shim's source it is; all have its SBAT entry."""
    if _wide("MOK management") in head:
        return LoaderKind.MOK_MANAGER
    if _wide(".csv") in head.lower():
        return LoaderKind.SHIM_FALLBACK
    return LoaderKind.SHIM


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


_STRINGS = (
    ((_wide("refind.conf"),), LoaderKind.REFIND),
    ((_wide("bootmgr.exe"), _wide("Microsoft Corporation")), LoaderKind.WINDOWS),
    ((b"FreeBSD/", b" EFI loader"), LoaderKind.FREEBSD),
)


_NAMES = (
    (r"mm(x64|ia32|aa64|riscv64)\.efi", LoaderKind.MOK_MANAGER),
    (r"(fb|fallback)(x64|ia32|aa64|riscv64)?\.efi", LoaderKind.SHIM_FALLBACK),
    (r"shim.*\.efi", LoaderKind.SHIM),
    (r"(grub|gcd).*\.efi", LoaderKind.GRUB),
    (r"systemd-boot.*\.efi", LoaderKind.SYSTEMD_BOOT),
    (r"bootmg(fw|r)\.efi", LoaderKind.WINDOWS),
    (r"refind.*\.efi", LoaderKind.REFIND),
    (r"loader\.efi", LoaderKind.FREEBSD),
)


def _kind_by_name(path: str) -> LoaderKind:
    name = path.rpartition("/")[2].lower()
    return next((kind for pattern, kind in _NAMES if re.fullmatch(pattern, name)), LoaderKind.UNKNOWN)


def _head(source: ByteSource) -> bytes:
    return source.read_at(0, MAX_SEARCHED_BYTES)


def _text(content: bytes) -> str:
    return content.rstrip(b"\0\n ").decode("utf-8", "replace")


def _section(source: ByteSource, pe: PeImage, name: str, limit_bytes: int) -> bytes:
    """The content of a section without its padding, no more than the limit; empty where there is none."""
    section = pe.section(name)
    return source.read_at(section.offset, min(section.size_bytes, limit_bytes)) if section else b""


def _second_stage(head: bytes) -> str:
    """The file that a shim loads: its first program name in UTF-16 that is not its MOK manager or its fallback."""
    for match in _SECOND_STAGE.finditer(head):
        name = match[1].decode("utf-16-le")
        if not re.fullmatch(r"(mm|fb|fallback).*", name, re.IGNORECASE):
            return name
    return ""
