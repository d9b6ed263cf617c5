"""An ESP, a /boot and a root from dictionaries, for tests of boot chains; real disks are tested elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from byoi_tools.formats.boot.efi_program import read_efi_program
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.disks.bios import BiosBoot, BootCodeKind, GrubCore
from byoi_tools.model.disks.disk import Disk, DiskPartition, FileSystemSignature
from byoi_tools.model.disks.esp import Esp, EspContent, EspText, GrubModules
from byoi_tools.model.disks.fat import FatEntry, FatVolume
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.disks.partition_table import Mbr, TableScheme
from byoi_tools.model.disks.sectors import SectorRange
from byoi_tools.model.fact import Known
from byoi_tools.model.guest.guest import Volume
from tests.guest_tree import DictionaryReader, Link

Files = Mapping[str, str | bytes | Link]

ESP_UUID, BOOT_UUID, ROOT_UUID = (
    "B101-E5F0",
    "b0070000-0000-4000-8000-000000000000",
    "b101f500-0000-4000-8000-000000000000",
)
_IDENTITIES = {1: ("vfat", ESP_UUID, "EFI"), 2: ("xfs", BOOT_UUID, "bootfs"), 3: ("ext4", ROOT_UUID, "rootfs")}
_KINDS = {1: PartitionKind.ESP, 2: PartitionKind.LINUX_BOOT, 3: PartitionKind.LINUX_ROOT}


def boot_context(
    root: Files, *, boot: Files | None = None, esp: Files | None = None, bios: BiosBoot | None = None, hidden: str = ""
) -> GuestContext:
    """Partition 1 is the ESP, 2 is /boot where `boot` is given, 3 the root; `hidden` makes 4 a container of a kind."""
    numbers = [1, *([2] if boot is not None else []), 3]
    readers = {"/": DictionaryReader(root), **({"/boot": DictionaryReader(boot)} if boot is not None else {})}
    points = {2: "/boot", 3: "/"}
    volumes = tuple(
        Volume(f"partition {number}", *_IDENTITIES[number], points.get(number, ""), "native") for number in numbers
    )
    return GuestContext(
        GuestTree(readers), _disk(numbers, hidden), (Esp(_partition(1), Known(_content(esp or {}))),), volumes, bios
    )


def grub_bios(prefix: str, config: str = "", *, has_normal: bool = True) -> BiosBoot:
    """The boot code of a GRUB with this prefix and first configuration in its core image."""
    return BiosBoot(BootCodeKind.GRUB, GrubCore(1, 100, None, ""), GrubModules(prefix, config, 10, has_normal))


def _disk(numbers: list[int], hidden: str) -> Disk:
    found = [DiskPartition(_partition(number), FileSystemSignature(*_IDENTITIES[number])) for number in numbers]
    if hidden:
        found.append(DiskPartition(_partition(4), FileSystemSignature(hidden, "", "")))
    return Disk(1 << 30, 512, TableScheme.GPT, cast(Mbr, None), None, tuple(found), None)


def _partition(number: int) -> Partition:
    kind = _KINDS.get(number, PartitionKind.LINUX_FILE_SYSTEM)
    guid = f"0000000{number}-0000-4000-8000-00000000000A"
    sectors = SectorRange(number * 2048, number * 2048 + 2047, 512)
    return Partition(number, sectors, "", kind, f"name{number}", guid, is_active=False, is_logical=False)


def _content(files: Files) -> EspContent:
    contents = {
        path.strip("/"): content.encode() if isinstance(content, str) else content for path, content in files.items()
    }
    directories = {path.rsplit("/", depth)[0] for path in contents for depth in range(1, path.count("/") + 1)}
    entries = [FatEntry(path, is_directory=True, size_bytes=0) for path in sorted(directories)]
    entries += [FatEntry(path, is_directory=False, size_bytes=len(content)) for path, content in contents.items()]
    programs = [
        read_efi_program(path, len(content), Memory(content))
        for path, content in contents.items()
        if path.lower().endswith(".efi")
    ]
    texts = [EspText(path, content) for path, content in contents.items() if path.endswith((".cfg", ".conf"))]
    return EspContent(cast(FatVolume, None), tuple(entries), tuple(programs), tuple(texts))
