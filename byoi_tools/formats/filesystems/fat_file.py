"""The content of a file on a FAT volume, as a source that other readers can read from."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.filesystems.fat_boot_sector import FatLayout
from byoi_tools.formats.filesystems.fat_directory import DirectoryEntry
from byoi_tools.formats.filesystems.fat_table import FatTable
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.dataclass import dataclass

MAX_FILE_CLUSTERS = 512 * 1024


@dataclass(frozen=True, slots=True)
class ClusterRun:
    """`count` clusters that follow each other on the volume from `first` on, and where their bytes are in the file."""

    start_bytes: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class FatFile:
    """A file by its runs of clusters, in order, which hold at least `size_bytes`."""

    volume: ByteSource
    layout: FatLayout
    size_bytes: int
    runs: tuple[ClusterRun, ...]

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` on; fewer also where the volume is cut off."""
        length = min(length, self.size_bytes - offset)
        if offset < 0 or length <= 0:
            return b""
        return b"".join(self._pieces(offset, offset + length))

    def _pieces(self, offset: int, end: int) -> Iterator[bytes]:
        """What each run contributes, in one read each, up to the first that is cut off."""
        cluster_size = self.layout.cluster_size_bytes
        index = bisect.bisect_right(self.runs, offset, key=lambda run: run.start_bytes) - 1
        while offset < end:
            run = self.runs[index]
            length = min(end, run.start_bytes + run.count * cluster_size) - offset
            place = self.layout.cluster_start_bytes(run.first) + offset - run.start_bytes
            piece = self.volume.read_at(place, length)
            yield piece
            if len(piece) < length:
                return
            offset += length
            index += 1


def gather_runs(table: FatTable, layout: FatLayout, entry: DirectoryEntry, path: str) -> tuple[ClusterRun, ...]:
    """Return the runs that hold a file of `entry.size_bytes`; clusters beyond are ignored.

    Raises `ImageMalformed` when the cluster chain is broken or ends too early, `ImageUnsafe` when the file needs more
    than `MAX_FILE_CLUSTERS`.
    """
    wanted = -(-entry.size_bytes // layout.cluster_size_bytes)
    if wanted > MAX_FILE_CLUSTERS:
        raise ImageUnsafe(
            f"{path} on the FAT volume is too large to be read",
            details=f"it has {wanted} clusters, the limit is {MAX_FILE_CLUSTERS}",
            remedy="Make the volume again with what booting needs.",
        )
    runs: list[ClusterRun] = []
    found = 0
    for first, count in table.runs(entry.first_cluster, wanted):
        runs.append(ClusterRun(found * layout.cluster_size_bytes, first, count))
        found += count
    if found < wanted:
        raise ImageMalformed(
            f"{path} on the FAT volume cannot be read",
            details=f"its {entry.size_bytes} bytes need {wanted} clusters, its cluster chain ends after {found}",
            remedy="Repair the volume with fsck.fat, or make it again.",
        )
    return tuple(runs)
