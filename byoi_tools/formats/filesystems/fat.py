"""Reads FAT12, FAT16 and FAT32 volumes: state, directories, files (Microsoft, FAT: On-Disk Format, 1.03)."""

from __future__ import annotations

from functools import cached_property

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.filesystems.fat_boot_sector import read_fat_layout
from byoi_tools.formats.filesystems.fat_directory import DirectoryEntry, decode_directory, is_ended, read_root_label
from byoi_tools.formats.filesystems.fat_file import FatFile, gather_runs
from byoi_tools.formats.filesystems.fat_problems import find_geometry_problems
from byoi_tools.formats.filesystems.fat_table import FatTable, are_fats_equal
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.fat import FatEntry, FatVolume

MAX_ENTRIES = 20_000
MAX_DEPTH = 32
MAX_DIRECTORY_BYTES = 65536 * 32
"""The specification's limit for one directory."""
MAX_DIRECTORIES_BYTES = 8 * MAX_DIRECTORY_BYTES
"""What all directories together may have."""


class FatFileSystem:
    """A FAT volume, its allocation table in memory.

    `partition_size_bytes` is what the partition table grants the volume; the size of the source when it is not given.
    Construction raises `ImageMalformed` when the source is no FAT volume or ends inside the FAT, `ImageUnsafe` when the
    FAT exceeds the reader's cap.
    """

    def __init__(self, source: ByteSource, partition_size_bytes: int | None = None) -> None:
        self._source = source
        self._partition_size_bytes = source.size_bytes if partition_size_bytes is None else partition_size_bytes
        self._layout = read_fat_layout(source)
        self._table = FatTable(source, self._layout)
        self._directory_bytes_left = MAX_DIRECTORIES_BYTES
        self._directories: dict[int, tuple[DirectoryEntry, ...]] = {}

    @cached_property
    def volume(self) -> FatVolume:
        """The boot sector and the state of the FATs; the label is the root directory's, else the boot sector's."""
        layout = self._layout
        return FatVolume(
            fat_bits=layout.fat_bits,
            bytes_per_sector=layout.bytes_per_sector,
            sectors_per_cluster=layout.sectors_per_cluster,
            reserved_sectors=layout.reserved_sectors,
            fat_count=layout.fat_count,
            root_entry_count=layout.root_entry_count,
            total_sectors=layout.total_sectors,
            fat_size_sectors=layout.fat_size_sectors,
            cluster_count=layout.cluster_count,
            free_cluster_count=self._table.free_cluster_count,
            label=read_root_label(self._source, layout) or layout.label,
            volume_id=layout.volume_id,
            is_dirty=layout.is_marked_dirty or self._table.is_marked_dirty,
            are_fats_equal=are_fats_equal(self._source, layout),
            geometry_problems=find_geometry_problems(self._source, layout, self._table, self._partition_size_bytes),
        )

    def walk(self) -> tuple[FatEntry, ...]:
        """Return every file and directory, each directory before what it holds.

        Raises `ImageMalformed` when a directory's cluster chain is broken or two directories share it, `ImageUnsafe`
        for more than `MAX_ENTRIES` entries, directories deeper than `MAX_DEPTH` or of more than
        `MAX_DIRECTORIES_BYTES` together.
        """
        found: list[FatEntry] = []
        seen: set[int] = set()
        pending = [("", entry) for entry in reversed(self._root)]
        while pending:
            parent, entry = pending.pop()
            path = f"{parent}{entry.name}"
            found.append(FatEntry(path, entry.is_directory, 0 if entry.is_directory else entry.size_bytes))
            _refuse_if(len(found) + len(pending) > MAX_ENTRIES, f"it has more than {MAX_ENTRIES} files and directories")
            if entry.is_directory:
                _refuse_if(path.count("/") + 1 > MAX_DEPTH, f"directories are more than {MAX_DEPTH} levels deep")
                if entry.first_cluster in seen:
                    raise _malformed("two directories share their clusters", path)
                seen.add(entry.first_cluster)
                pending += [(f"{path}/", child) for child in reversed(self._list(entry.first_cluster))]
        return tuple(found)

    def open(self, path: str) -> FatFile:
        """Return the file at a path with either kind of slash, leading or not, in any case.

        Raises `ImageMalformed` when there is no such file, or its cluster chain is broken or too short for its size,
        `ImageUnsafe` when it has more clusters than the reader's cap.
        """
        entries = self._root
        *parents, name = path.replace("\\", "/").strip("/").split("/")
        for parent in parents:
            entries = self._list(_find(entries, parent, path, is_directory=True).first_cluster)
        entry = _find(entries, name, path, is_directory=False)
        return FatFile(
            self._source, self._layout, entry.size_bytes, gather_runs(self._table, self._layout, entry, path)
        )

    def read(self, path: str, limit_bytes: int) -> bytes:
        """Return the file's content, no more than its first `limit_bytes`; the errors are those of `open`."""
        return self.open(path).read_at(0, limit_bytes)

    @cached_property
    def _root(self) -> tuple[DirectoryEntry, ...]:
        layout = self._layout
        if layout.fat_bits == 32:
            return self._list(layout.root_cluster)
        content = self._source.read_at(layout.root_start_bytes, layout.root_size_bytes)
        return tuple(decode_directory(content, layout.fat_bits))

    def _list(self, first_cluster: int) -> tuple[DirectoryEntry, ...]:
        """The entries of the directory that starts in a cluster."""
        if first_cluster not in self._directories:
            content = self._read_directory(first_cluster)
            self._directories[first_cluster] = tuple(decode_directory(content, self._layout.fat_bits))
        return self._directories[first_cluster]

    def _read_directory(self, first_cluster: int) -> bytes:
        """The clusters of a directory up to the one that has the end mark."""
        size = self._layout.cluster_size_bytes
        pieces: list[bytes] = []
        for cluster in self._table.chain(first_cluster):
            self._directory_bytes_left -= size
            _refuse_if(len(pieces) * size > MAX_DIRECTORY_BYTES, "a directory has more than 65536 entries")
            _refuse_if(self._directory_bytes_left < 0, f"its directories exceed {MAX_DIRECTORIES_BYTES} bytes")
            pieces.append(self._source.read_at(self._layout.cluster_start_bytes(cluster), size))
            if is_ended(pieces[-1]):
                break
        return b"".join(pieces)


def _find(entries: tuple[DirectoryEntry, ...], name: str, path: str, *, is_directory: bool) -> DirectoryEntry:
    for entry in entries:
        if entry.name.upper() == name.upper() and entry.is_directory == is_directory:
            return entry
    raise _malformed("there is no such file", path)


def _malformed(why: str, path: str) -> ImageMalformed:
    return ImageMalformed(
        f"{path} on the FAT volume cannot be read",
        details=why,
        remedy="Repair the volume with fsck.fat, or make it again.",
    )


def _refuse_if(is_absurd: bool, why: str) -> None:
    if is_absurd:
        raise ImageUnsafe(
            "the FAT volume is too large to be listed",
            details=why,
            remedy="Make the volume again with what booting needs.",
        )
