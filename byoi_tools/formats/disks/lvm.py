"""Reads LVM2: physical volumes, their metadata, and logical volumes of linear and striped segments.

The structures are those of LVM2's lib/format_text/layout.h and lib/label/label.h; what the metadata means is in
lib/format_text/import_vsn1.c. libvslvm is not used: it refuses volumes of several segments and groups of several
devices, and here no C code sees the image.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.disks.lvm_config import MAX_BYTES, Section, array, number, read_config, sections, text
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.quoting import quote

_SECTOR = 512
_HEADER_BYTES = 512
_MAGIC = b" LVM2 x[5A%r0N*>"
_MAX_AREAS = 16
_MAX_EXTENTS = 1 << 32
_REMEDY = "Restore the metadata (vgcfgrestore), or build the image again."


@dataclass(frozen=True, slots=True)
class _Run:
    """Bytes of a logical volume from `start` on that lie together on a device."""

    start: int
    size: int
    device: ByteSource
    place: int


class LogicalVolume:
    """The bytes of a logical volume: a `ByteSource`. What lies behind the end of a device reads as missing."""

    def __init__(self, name: str, runs: Sequence[_Run]) -> None:
        self.name = name
        self._runs = sorted(runs, key=lambda run: run.start)
        self._starts = [run.start for run in self._runs]
        self.size_bytes = self._runs[-1].start + self._runs[-1].size if self._runs else 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the volume."""
        pieces = []
        while length > 0 and 0 <= offset < self.size_bytes:
            run = self._runs[bisect_right(self._starts, offset) - 1]
            inner = offset - run.start
            piece = run.device.read_at(run.place + inner, min(length, run.size - inner))
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class VolumeGroup:
    """A group: the UUIDs of its devices, its volumes, and for those that cannot be read the reason, by their names.

    Names are hostile texts. Without all of its devices it has no volumes.
    """

    uuid: str
    name: str
    devices: tuple[str, ...]
    missing: tuple[str, ...]
    volumes: tuple[LogicalVolume, ...]
    unreadable: Mapping[str, str]


def read_volume_groups(members: Mapping[str, ByteSource]) -> tuple[VolumeGroup, ...]:
    """Return the groups that these physical volumes, by their UUIDs as `blkid` writes them, make up.

    Raises `ImageMalformed` where the metadata of one is damaged.
    """
    newest: dict[str, tuple[int, str, Section]] = {}
    for source in members.values():
        for name, group in _read_metadata(source).items():
            if isinstance(group, dict):
                uuid, sequence = text(group, "id"), number(group, "seqno")
                if uuid not in newest or newest[uuid][0] < sequence:
                    newest[uuid] = (sequence, name, group)
    return tuple(_group(name, group, members) for _, name, group in newest.values())


def _read_metadata(source: ByteSource) -> Section:
    """The metadata in the first area that has some; none where the device keeps no copy."""
    for start, size in _metadata_areas(source):
        header = read_exactly(source, start, _HEADER_BYTES, "metadata area of LVM")
        if header[4:20] != _MAGIC:
            raise ImageMalformed("a metadata area of LVM has no header", remedy=_REMEDY)
        offset, length = struct.unpack_from("<QQ", header, 40)
        if not offset:
            continue
        if not _HEADER_BYTES <= offset < size or not 0 < length <= min(MAX_BYTES, size):
            raise ImageMalformed("the metadata of LVM lies outside of its area", remedy=_REMEDY)
        first = min(length, size - offset)  # it is a ring, whose start is behind the header
        content = read_exactly(source, start + offset, first, "metadata of LVM")
        content += (
            read_exactly(source, start + _HEADER_BYTES, length - first, "metadata of LVM") if length > first else b""
        )
        return read_config(content.rstrip(b"\0").decode("utf-8", "replace"))
    return {}


def _metadata_areas(source: ByteSource) -> list[tuple[int, int]]:
    """Offset and size of each metadata area: behind the list of data areas, which ends in a pair of zeros."""
    for sector in range(4):
        label = source.read_at(sector * _SECTOR, _SECTOR)
        if label[:8] == b"LABELONE" and label[24:32] == b"LVM2 001":
            place = int.from_bytes(label[20:24], "little") + 40
            pairs = [struct.unpack_from("<QQ", label, at) for at in range(place, len(label) - 15, 16)]
            gap = next((index for index, pair in enumerate(pairs) if not pair[0]), len(pairs))
            behind = pairs[gap + 1 :]
            end = next((index for index, pair in enumerate(behind) if not pair[0]), len(behind))
            return behind[: min(end, _MAX_AREAS)]
    raise ImageMalformed("a physical volume of LVM has no label", remedy=_REMEDY)


def _group(name: str, group: Section, members: Mapping[str, ByteSource]) -> VolumeGroup:
    described = sections(group, "physical_volumes")
    devices = tuple(text(device, "id") for device in described.values())
    missing = tuple(uuid for uuid in devices if uuid not in members)
    volumes: list[LogicalVolume] = []
    unreadable: dict[str, str] = {}
    for volume_name, volume in sections(group, "logical_volumes").items() if not missing else ():
        if "VISIBLE" in array(volume, "status"):
            try:
                volumes.append(LogicalVolume(volume_name, _runs(group, volume, described, members)))
            except _NotReadError as reason:
                unreadable[volume_name] = str(reason)
    return VolumeGroup(text(group, "id"), name, devices, missing, tuple(volumes), unreadable)


class _NotReadError(Exception):
    """The volume is of a kind that is not read."""


def _runs(
    group: Section, volume: Section, described: Mapping[str, Section], members: Mapping[str, ByteSource]
) -> list[_Run]:
    extent = number(group, "extent_size") * _SECTOR
    runs: list[_Run] = []
    for name, segment in volume.items():
        if not isinstance(segment, dict) or not name.startswith("segment"):
            continue
        kind = text(segment, "type")
        if kind != "striped":
            raise _NotReadError(f"segments of type {quote(kind)} are not read")
        first, count = number(segment, "start_extent"), number(segment, "extent_count")
        stripes = array(segment, "stripes")
        if not stripes or len(stripes) % 2 or not 0 < count < _MAX_EXTENTS or extent <= 0 or first < 0:
            raise ImageMalformed("a segment of a logical volume makes no sense", remedy=_REMEDY)
        if len(stripes) > 2:
            raise _NotReadError("volumes that are striped over several devices are not read")
        device = described.get(str(stripes[0]), {})
        place = number(device, "pe_start") * _SECTOR + _integer(stripes[1]) * extent
        runs.append(_Run(first * extent, count * extent, members[text(device, "id")], place))
    _refuse_gaps(runs)
    return runs


def _refuse_gaps(runs: list[_Run]) -> None:
    end = 0
    for run in sorted(runs, key=lambda run: run.start):
        if run.start != end or run.place < 0:
            raise ImageMalformed("the segments of a logical volume do not follow each other", remedy=_REMEDY)
        end += run.size


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise ImageMalformed("a stripe of a logical volume has no place", remedy=_REMEDY)
    return value
