"""Puts a disk together: which partition table counts, one list of partitions, and what lies on each."""

from __future__ import annotations

from byoi_tools.formats.disks.gpt import find_sector_size, read_gpt
from byoi_tools.formats.disks.mbr import read_mbr
from byoi_tools.formats.disks.partition_types import kind_of_byte, kind_of_guid
from byoi_tools.formats.filesystems.signatures import read_signature
from byoi_tools.formats.source import ByteSource, Window
from byoi_tools.model.disks.disk import Disk, DiskPartition, FileSystemSignature
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.disks.partition_table import Gpt, GptEntry, Mbr, MbrEntry, TableScheme

MAX_EXAMINED_PARTITIONS = 256
"""Linux gives device nodes to no more (`DISK_MAX_PARTS`); signatures of further partitions are not looked for."""
_START_BYTES = 256 << 10
"""Whatever Linux boots from has a superblock or label here: ZFS its last one at 128 KiB, ReiserFS at 64 KiB."""
_STEP_BYTES = 64 << 10


def read_disk(source: ByteSource) -> Disk:
    """Return the virtual disk with its table, its partitions and their signatures.

    Raises `ImageMalformed` when there is not even one sector; any other damage is told by the facts.
    """
    sector_size_bytes = find_sector_size(source)
    mbr = read_mbr(source, sector_size_bytes)
    gpt = read_gpt(source, sector_size_bytes)
    whole_disk = read_signature(source)
    scheme = _choose_scheme(mbr, gpt, whole_disk)
    partitions = _list_partitions(scheme, mbr, gpt)
    return Disk(
        size_bytes=source.size_bytes,
        sector_size_bytes=sector_size_bytes,
        scheme=scheme,
        mbr=mbr,
        gpt=gpt,
        partitions=tuple(_examine(source, partition, index) for index, partition in enumerate(partitions)),
        whole_disk=whole_disk,
    )


def _choose_scheme(mbr: Mbr, gpt: Gpt | None, whole_disk: FileSystemSignature | None) -> TableScheme:
    """Which table the disk's author meant.

    Linux (block/partitions/efi.c) and EDK2 (PartitionDxe/Gpt.c) believe a GPT only behind an MBR with an 0xEE entry; a
    GPT behind an MBR with partitions of its own but without 0xEE, or behind a file system that starts at byte 0, is the
    rest of a former table. An MBR that claims nothing is taken for a damaged protective one: the GPT says what was
    meant, and the MBR is a finding of its own. An MBR is no table when it has an 0xEE entry and there is no GPT
    (block/partitions/msdos.c), or when it has no entries and a file system starts at byte 0.
    """
    claims = mbr.has_signature and mbr.is_plausible and any(entry.sectors.count for entry in mbr.entries)
    if gpt is not None and (mbr.protective_entries or not (claims or whole_disk)):
        return TableScheme.GPT
    if mbr.protective_entries:
        return TableScheme.NONE
    if claims or (mbr.has_signature and mbr.is_plausible and whole_disk is None):
        return TableScheme.MBR
    return TableScheme.NONE


def _list_partitions(scheme: TableScheme, mbr: Mbr, gpt: Gpt | None) -> tuple[Partition, ...]:
    """The partitions of the table that counts, by number."""
    if scheme is TableScheme.GPT and gpt is not None:
        return tuple(_from_gpt(entry) for entry in gpt.best.entries)
    if scheme is TableScheme.MBR:
        return tuple(_from_mbr(entry) for entry in mbr.entries + mbr.logicals if entry.sectors.count)
    return ()


def _from_gpt(entry: GptEntry) -> Partition:
    """The unified view; bit 2 of the attributes is "legacy BIOS bootable" (UEFI 2.10, table 5.8)."""
    return Partition(
        number=entry.number,
        sectors=entry.sectors,
        type_code=entry.type_guid,
        kind=kind_of_guid(entry.type_guid),
        name=entry.name,
        guid=entry.guid,
        is_active=bool(entry.attributes & 4),
        is_logical=False,
    )


def _from_mbr(entry: MbrEntry) -> Partition:
    return Partition(
        number=entry.slot,
        sectors=entry.sectors,
        type_code=f"0x{entry.type_byte:02X}",
        kind=kind_of_byte(entry.type_byte),
        name="",
        guid="",
        is_active=entry.is_active,
        is_logical=entry.slot > 4,
    )


def _examine(source: ByteSource, partition: Partition, index: int) -> DiskPartition:
    """The partition with the signature of what it holds; extended partitions hold partitions."""
    sectors = partition.sectors
    if index >= MAX_EXAMINED_PARTITIONS or partition.kind is PartitionKind.EXTENDED:
        return DiskPartition(partition, None)
    content = Window(source, sectors.start_bytes, sectors.size_bytes)
    signature = read_signature(content)
    return DiskPartition(partition, signature, is_blank=signature is None and _is_blank(content))


def _is_blank(content: ByteSource) -> bool:
    return not any(content.read_at(offset, _STEP_BYTES).strip(b"\0") for offset in range(0, _START_BYTES, _STEP_BYTES))
