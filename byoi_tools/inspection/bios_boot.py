"""Reads what legacy firmware would start: the boot code of LBA 0 and GRUB's core image."""

from __future__ import annotations

from byoi_tools.formats.grub.core import read_core_modules
from byoi_tools.formats.grub.image import boot_code_kind, read_core_image, read_core_pointer, read_grub_core
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.bios import BiosBoot, BootCodeKind
from byoi_tools.model.disks.disk import Disk


def read_bios_boot(source: ByteSource, disk: Disk) -> BiosBoot:
    """Return the boot code's kind and, where it is GRUB's, the core image that it points to."""
    kind = boot_code_kind(disk.mbr.boot_code)
    if kind is not BootCodeKind.GRUB:
        return BiosBoot(kind, None)
    partitions = tuple(found.partition for found in disk.partitions)
    lba = read_core_pointer(disk.mbr.boot_code)
    core = read_grub_core(source, disk.sector_size_bytes, lba, partitions)
    image = b"" if core.problem else read_core_image(source, disk.sector_size_bytes, lba)
    return BiosBoot(kind, core, read_core_modules(image))
