"""Reads what is built into GRUB's core image for the BIOS: its prefix, its first configuration, its modules.

Sources: GRUB's include/grub/offsets.h (the decompressor's header), util/mkimage.c (compress_kernel_lzma: lc 3, lp 0,
pb 2, a dictionary of 64 KiB), include/grub/kernel.h (module info).
"""

from __future__ import annotations

import lzma
import struct

from byoi_tools.formats.grub.image import MAX_CORE_BYTES, read_grub_modules
from byoi_tools.model.disks.esp import GrubModules

MAXIMUM_UNPACKED_BYTES = 8 * 1024 * 1024
_DISKBOOT_BYTES = 512
_SIZES_OFFSET = _DISKBOOT_BYTES + 8
_DECOMPRESSOR_BYTES = 2848
"""That of GRUB 2.02 to 2.12; other builds are looked for around it, from 1 KiB to 3.5 KiB, where it must end."""
_SEARCHED = range(1024, 3585, 16)
_FILTERS = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 16}]
_INFO = struct.Struct("<4sII")


def read_core_modules(core: bytes) -> GrubModules | None:
    """Return what is built into a core image that starts with diskboot.img.

    None where it is not compressed as GRUB does it, or too large; never raises.
    """
    if not _SIZES_OFFSET + 8 <= len(core) <= MAX_CORE_BYTES:
        return None
    packed, unpacked = struct.unpack_from("<II", core, _SIZES_OFFSET)
    if not 0 < packed <= len(core) or not 0 < unpacked <= MAXIMUM_UNPACKED_BYTES:
        return None
    for size in (_DECOMPRESSOR_BYTES, *_SEARCHED):
        start = _DISKBOOT_BYTES + size
        if core[start : start + 1] != b"\0":  # the first byte of every LZMA stream
            continue
        info = _module_info(_unpack(core[start : start + packed], unpacked))
        modules = read_grub_modules(info) if info else None
        if modules is not None:
            return modules
    return None


def _unpack(stream: bytes, size: int) -> bytes:
    """The unpacked core; empty where the stream is none or ends too soon."""
    try:
        content = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS).decompress(stream, max_length=size)
    except lzma.LZMAError:
        return b""
    return content if len(content) == size else b""


def _module_info(kernel: bytes) -> bytes:
    """From the module info on, which ends the kernel; its magic is in the code before it too."""
    place = kernel.rfind(b"mimg")
    while place >= 0:
        if place + _INFO.size <= len(kernel):
            _, offset, size = _INFO.unpack_from(kernel, place)
            if offset == _INFO.size and size <= len(kernel) - place:
                return kernel[place : place + size]
        place = kernel.rfind(b"mimg", 0, place)
    return b""
