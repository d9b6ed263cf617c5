"""What a FAT volume says of itself (Microsoft, FAT: General Overview of On-Disk Format, 1.03)."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class FatVolume:
    """The boot sector, decoded, and the state of the allocation tables.

    `fat_bits` is how the volume is laid out: 32 where its 16-bit FAT size is zero, else 12 or 16 by the number of
    clusters. The specification goes by that number alone; a layout that contradicts it is one of the
    `geometry_problems`: sentences about fields that contradict each other, the FAT or the size of the partition; empty
    for a sound volume.
    """

    fat_bits: int
    bytes_per_sector: int
    sectors_per_cluster: int
    reserved_sectors: int
    fat_count: int
    root_entry_count: int
    total_sectors: int
    fat_size_sectors: int
    cluster_count: int
    free_cluster_count: int
    label: str
    volume_id: int
    is_dirty: bool
    are_fats_equal: bool
    geometry_problems: tuple[str, ...]

    @property
    def cluster_size_bytes(self) -> int:
        """The size of a cluster."""
        return self.bytes_per_sector * self.sectors_per_cluster

    @property
    def size_bytes(self) -> int:
        """The size of the volume as its boot sector has it."""
        return self.total_sectors * self.bytes_per_sector

    @property
    def free_bytes(self) -> int:
        """What can still be written."""
        return self.free_cluster_count * self.cluster_size_bytes


@dataclass(frozen=True, slots=True)
class FatEntry:
    """A file or directory: `path` with slashes, from the root and without a leading one, in its stored case."""

    path: str
    is_directory: bool
    size_bytes: int
