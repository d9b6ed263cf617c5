"""The virtual disk in an image: its table, its partitions, and what lies on them by signature."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.disks.partition_table import Gpt, Mbr, TableScheme


@dataclass(frozen=True, slots=True)
class FileSystemSignature:
    """A file system, volume or archive recognised by its magic.

    `name` is what `blkid` calls it (`ext4`, `vfat`, `LVM2_member`). `uuid` and `label` are empty where the format has
    none or the reader does not know them.
    """

    name: str
    uuid: str
    label: str


@dataclass(frozen=True, slots=True)
class DiskPartition:
    """A partition and the signature found at its start, or None.

    `is_blank` says that all of its start is zero, where any file system would have something.
    """

    partition: Partition
    file_system: FileSystemSignature | None
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class Disk:
    """The virtual disk. `whole_disk` is a file system or archive that starts at byte 0, where there is one.

    `mbr` is LBA 0 whenever it could be read, also under a GPT. `partitions` are in the order of their numbers.
    """

    size_bytes: int
    sector_size_bytes: int
    scheme: TableScheme
    mbr: Mbr
    gpt: Gpt | None
    partitions: tuple[DiskPartition, ...]
    whole_disk: FileSystemSignature | None

    def partitions_of_kind(self, *kinds: PartitionKind) -> tuple[Partition, ...]:
        """The partitions whose type says one of the kinds."""
        return tuple(p.partition for p in self.partitions if p.partition.kind in kinds)

    @property
    def partitions_past_end(self) -> tuple[Partition, ...]:
        """The partitions that end after the last byte of the disk."""
        return tuple(p.partition for p in self.partitions if p.partition.sectors.end_bytes > self.size_bytes)

    @property
    def described_size_bytes(self) -> int | None:
        """The size of the disk that the GPT was written for, by a valid primary header; None where there is none."""
        if self.gpt is None or self.gpt.primary is None or not self.gpt.primary.is_header_valid:
            return None
        return (self.gpt.primary.alternate_lba + 1) * self.sector_size_bytes

    @property
    def is_cut_off(self) -> bool:
        """Whether the disk ends before one of its partitions, and its GPT says that it was longer once."""
        described = self.described_size_bytes
        return described is not None and described > self.size_bytes and bool(self.partitions_past_end)
