"""Draws a disk's layout in a terminal: one bar to scale, and a row for each partition."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.disk import Disk, DiskPartition
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.terminal import Terminal, printable

_LEAST_CELL = 3
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class _Region:
    label: str
    size_bytes: int


def draw_layout(disk: Disk, terminal: Terminal) -> list[str]:
    """Return the bar and the rows; partitions in the order in which they lie on the disk."""
    if not disk.partitions:
        return terminal.wrap("no partitions", "  ")
    ordered = sorted(disk.partitions, key=lambda found: found.partition.sectors)
    return [_bar(_regions(disk, ordered), terminal.width), *(_row(found, terminal) for found in ordered)]


def _regions(disk: Disk, ordered: list[DiskPartition]) -> list[_Region]:
    regions: list[_Region] = []
    position = 0
    for found in ordered:
        sectors = found.partition.sectors
        if sectors.start_bytes - position > disk.size_bytes // 100:
            regions.append(_Region("", sectors.start_bytes - position))
        regions.append(_Region(str(found.partition.number), sectors.size_bytes))
        position = max(position, sectors.end_bytes)
    if disk.size_bytes - position > disk.size_bytes // 100:
        regions.append(_Region("free", disk.size_bytes - position))
    return regions


def _bar(regions: list[_Region], width: int) -> str:
    room = max(width - 3 - len(regions), len(regions) * _LEAST_CELL)
    spare = room - len(regions) * _LEAST_CELL
    total = sum(region.size_bytes for region in regions) or 1
    cells = [_LEAST_CELL + spare * region.size_bytes // total for region in regions]
    return "  |" + "|".join(_cell(region, size) for region, size in zip(regions, cells, strict=True)) + "|"


def _cell(region: _Region, width: int) -> str:
    fill = " " if region.label in ("", "free") else "="
    return (region.label if len(region.label) <= width else region.label[:width]).center(width, fill)


def _row(found: DiskPartition, terminal: Terminal) -> str:
    partition = found.partition
    kind = partition.kind.value if partition.kind.value != "unknown" else partition.type_code
    parts = [f"{partition.number:>3}", f"{human_size(partition.sectors.size_bytes):>10}", kind]
    if found.file_system is not None:
        parts.append(found.file_system.name)
    if partition.name:
        parts.append(repr(partition.name))
    row = "  ".join(printable(part) for part in parts)
    return row if len(row) <= terminal.width else row[: terminal.width - 1] + _ELLIPSIS
