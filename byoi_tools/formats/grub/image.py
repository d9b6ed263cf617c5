"""Reads what is built into GRUB 2 images: modules of an EFI image, and the boot code and core of a BIOS one.

Sources: GRUB's include/grub/kernel.h (module info), include/grub/i386/pc/boot.h and include/grub/offsets.h (boot.img,
diskboot.img); SYSLINUX's mbr/; FreeBSD's stand/i386/pmbr and mbr.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.bios import BootCodeKind, GrubCore
from byoi_tools.model.disks.esp import GrubModules
from byoi_tools.model.disks.partition import Partition

MAX_OBJECTS = 4096
MAX_CORE_BYTES = 2 * 1024 * 1024
_MODULES_MAGIC = b"mimg"
_ELF, _CONFIG, _PREFIX = 0, 2, 3
_ELF_LAYOUTS = {
    b"\x7fELF\x01": (struct.Struct("<32xI10xHHH"), struct.Struct("<I12xII16x")),
    b"\x7fELF\x02": (struct.Struct("<40xQ10xHHH"), struct.Struct("<I20xQQ24x")),
}
"""By class: the place, size and number of the section headers and which of them has names; name, place, size of one."""
_KERNEL_SECTOR = slice(0x5C, 0x64)
_BLOCK_LIST_END = 512
_BLOCK_LIST_ENTRY = struct.Struct("<QHH")


def read_grub_modules(section: bytes) -> GrubModules | None:
    """Return what the `mods` section of a GRUB EFI image holds, or None when it has no module info.

    Prefix and configuration are empty where the image has none.
    """
    if section[:4] != _MODULES_MAGIC or len(section) < 24:
        return None
    offset, size = struct.unpack_from("<II", section, 4)
    if offset == 0:  # 64-bit: padding, then two 64-bit fields
        offset, size = struct.unpack_from("<QQ", section, 8)
    texts = {_CONFIG: "", _PREFIX: ""}
    module_count, has_normal = 0, False
    for kind, start, end in _objects(section, offset, size):
        module_count += kind == _ELF
        has_normal = has_normal or (kind == _ELF and _is_normal(section, start, end))
        if kind in texts and not texts[kind]:
            texts[kind] = section[start:end].partition(b"\0")[0].decode("utf-8", "replace")
    return GrubModules(prefix=texts[_PREFIX], config=texts[_CONFIG], module_count=module_count, has_normal=has_normal)


def _objects(section: bytes, offset: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield type, start and end of each object behind a module info; a stored size includes its 8-byte header."""
    end = min(end, len(section))
    for _ in range(MAX_OBJECTS):
        if offset + 8 > end:
            return
        kind, size = struct.unpack_from("<II", section, offset)
        if size < 8 or offset + size > end:
            return
        yield kind, offset + 8, offset + size
        offset += size


def _is_normal(section: bytes, start: int, end: int) -> bool:
    """Whether an ELF object is GRUB's module `normal`; few contain the word, and those alone are looked into."""
    return section.find(b"normal\0", start, end) >= 0 and _module_name(section[start:end]) == "normal"


def _module_name(elf: bytes) -> str:
    """The text in the section .modname of an ELF object (include/grub/dl.h); empty where there is none."""
    layout = _ELF_LAYOUTS.get(elf[:5])
    if layout is None or len(elf) < 64:
        return ""
    header, section = layout
    table, size, count, names = header.unpack_from(elf)
    if size < section.size or count > 96 or table + size * count > len(elf) or names >= count:
        return ""
    sections = [section.unpack_from(elf, table + size * number) for number in range(count)]
    for name, start, length in sections:
        if elf.startswith(b".modname\0", sections[names][1] + name):
            return elf[start : start + min(length, 64)].partition(b"\0")[0].decode("ascii", "replace")
    return ""


def boot_code_kind(boot_code: bytes) -> BootCodeKind:
    """Return whose boot code it is, by strings and bytes that its authors put into it."""
    if not any(boot_code):
        return BootCodeKind.NONE
    if boot_code[:2] == b"\xeb\x63" and b"Geom\0Hard Disk" in boot_code:
        return BootCodeKind.GRUB
    for texts, kind in _BOOT_CODE_TEXTS:
        if all(text in boot_code for text in texts):
            return kind
    return BootCodeKind.UNKNOWN


_MICROSOFT_TEXTS = (b"Invalid partition table", b"Error loading operating system", b"Missing operating system")
_BOOT_CODE_TEXTS = (
    ((b"Missing operating system.", b"Multiple active partitions."), BootCodeKind.SYSLINUX_MBR),
    ((b"Missing OS", b"!GPT"), BootCodeKind.SYSLINUX_GPTMBR),
    ((b"LILO",), BootCodeKind.LILO),
    ((b"Boot loader too large", b"Missing boot loader"), BootCodeKind.FREEBSD),
    ((b"\xfc\x31\xc0", *_MICROSOFT_TEXTS), BootCodeKind.FREEBSD),
    (_MICROSOFT_TEXTS, BootCodeKind.WINDOWS),
)


def read_core_pointer(boot_code: bytes) -> int:
    """Return the sector that GRUB's boot code loads: the start of its core image."""
    return int.from_bytes(boot_code[_KERNEL_SECTOR], "little")


def read_grub_core(disk: ByteSource, sector_size_bytes: int, lba: int, partitions: Sequence[Partition]) -> GrubCore:
    """Return the core image that boot code points to with `lba`, and why it cannot be one, in words.

    Its first sector is diskboot.img, which ends with a list of the sectors to load next.
    """
    holder = next((p for p in partitions if p.sectors.first_lba <= lba <= p.sectors.last_lba), None)
    sector = disk.read_at(lba * sector_size_bytes, 512)
    blocks = _read_block_list(sector)
    end_lba = max((start + count - 1 for start, count in blocks), default=lba)
    return GrubCore(
        first_lba=lba,
        end_lba=end_lba,
        partition_number=holder.number if holder else None,
        problem=_core_problem(disk, sector_size_bytes, lba, sector, blocks)
        or _place_problem(lba, end_lba, holder, partitions),
    )


def read_core_image(disk: ByteSource, sector_size_bytes: int, lba: int) -> bytes:
    """Return the core image that starts in a sector, put together by its block list; no more than two mebibytes."""
    content = disk.read_at(lba * sector_size_bytes, 512)
    for start, count in _read_block_list(content):
        room = MAX_CORE_BYTES - len(content)
        content += disk.read_at(start * sector_size_bytes, max(0, min(count * sector_size_bytes, room)))
    return content


def _read_block_list(sector: bytes) -> tuple[tuple[int, int], ...]:
    """Start and count of each run of sectors; the list grows downwards and ends with a count of zero."""
    blocks = []
    for offset in range(_BLOCK_LIST_END - _BLOCK_LIST_ENTRY.size, 256, -_BLOCK_LIST_ENTRY.size):
        if len(sector) < _BLOCK_LIST_END:
            break
        start, count, _ = _BLOCK_LIST_ENTRY.unpack_from(sector, offset)
        if count == 0:
            break
        blocks.append((start, count))
    return tuple(blocks)


def _core_problem(
    disk: ByteSource, sector_size_bytes: int, lba: int, sector: bytes, blocks: tuple[tuple[int, int], ...]
) -> str:
    if lba == 0 or len(sector) < 512:
        return f"the boot code points to sector {lba}, where no core image can be"
    if not all(text in sector for text in (b"loading", b"Geom", b"Read", b" Error")):
        return f"sector {lba}, to which the boot code points, is not the start of a GRUB core image"
    if not blocks:
        return f"the core image in sector {lba} does not say which sectors to load next"
    for start, count in blocks:
        if (start + count) * sector_size_bytes > disk.size_bytes:
            return f"the core image continues in sectors {start}-{start + count - 1}, beyond the end of the disk"
    if not any(disk.read_at(blocks[0][0] * sector_size_bytes, 512)):
        return f"the core image continues in sector {blocks[0][0]}, which is empty"
    return ""


def _place_problem(lba: int, end_lba: int, holder: Partition | None, partitions: Sequence[Partition]) -> str:
    if holder and end_lba > holder.sectors.last_lba:
        return f"the core image (sectors {lba}-{end_lba}) does not fit into partition {holder.number}"
    others = [p for p in partitions if p is not holder and lba <= p.sectors.first_lba <= end_lba]
    if not holder and others:
        return f"the core image (sectors {lba}-{end_lba}) reaches into partition {others[0].number}"
    return ""
