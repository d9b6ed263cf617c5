"""The context of a guest whose files come from a dictionary, on a disk without partitions unless some are given."""

from __future__ import annotations

from collections.abc import Mapping

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.disks.disk import Disk, DiskPartition, FileSystemSignature
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.disks.partition_table import Mbr, TableScheme
from byoi_tools.model.disks.sectors import SectorRange
from fixtures.tiny import good_files
from fixtures.tiny.good_files import Content
from tests.guest_tree import Link, tree_of

_NO_MBR = Mbr(b"", 0, False, (), (), "", False)


def context_of(files: Mapping[str, Content | Link], partitions: tuple[DiskPartition, ...] = ()) -> GuestContext:
    """The files may have the symlinks of the tiny fixtures too."""
    disk = Disk(2**30, 512, TableScheme.GPT, _NO_MBR, None, partitions, None)
    own = {path: Link(text) if isinstance(text, good_files.Link) else text for path, text in files.items()}
    return GuestContext(tree=tree_of(own), disk=disk, esps=(), volumes=())


def labelled(number: int, label: str, file_system: str = "vfat") -> DiskPartition:
    """A partition with a file system of that label."""
    sectors = SectorRange(2048 * number, 2048 * number + 2047, 512)
    partition = Partition(number, sectors, "", PartitionKind.LINUX_FILE_SYSTEM, "", "", False, False)
    return DiskPartition(partition, FileSystemSignature(file_system, "", label))
