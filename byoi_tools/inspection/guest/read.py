"""Reads the guest of a disk: finds its volumes, its root, puts the tree together, reads every domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.source import ByteSource
from byoi_tools.inspection.guest.domains import read_domains
from byoi_tools.inspection.guest.readers import Readers
from byoi_tools.inspection.guest.roots import Around, assemble, find_roots, order_volumes
from byoi_tools.inspection.guest.volumes import FoundVolume, find_volumes
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.guest import Guest, TroubleKind, Volume
from byoi_tools.model.quoting import quote


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """The volumes of a disk, and the guest where there is one."""

    volumes: tuple[Volume, ...]
    guest: Fact[Guest]


def read_guest(source: ByteSource, around: Around, readers: Readers) -> GuestFacts:
    """Return what the disk's file systems tell; raises nothing for what they contain."""
    found = find_volumes(source, around.disk, readers)
    roots = find_roots(found)
    guest = _read(roots, found, around) if roots else NotExamined(_why_none(found))
    volumes = order_volumes(found)  # once all is read: only now their troubles are known
    return GuestFacts(volumes, Known(replace(guest.value, volumes=volumes)) if isinstance(guest, Known) else guest)


def _read(roots: list[FoundVolume], found: tuple[FoundVolume, ...], around: Around) -> Fact[Guest]:
    try:
        context = assemble(roots[0], found, around)
    except (ImageError, ToolError) as error:
        return NotExamined(error.message)
    return Known(read_domains(context, tuple(root.source for root in roots[1:])))


def _why_none(found: tuple[FoundVolume, ...]) -> str:
    """Why there is no guest: what could not be read, else that none of the volumes has a root."""
    troubles = [(volume.source, volume.volume.trouble) for volume in found]
    reasons = [f"{_shown(source)}: {trouble.reason}" for source, trouble in troubles if trouble is not None]
    if not reasons:
        return "no Linux root file system is in the image"
    is_broken = any(trouble.kind is not TroubleKind.UNSUPPORTED for _, trouble in troubles if trouble is not None)
    return f"{'a file system cannot be read' if is_broken else 'the root cannot be looked into'}: {'; '.join(reasons)}"


def _shown(source: str) -> str:
    """The source with the names in it quoted: those of LVM come from the image."""
    partition, comma, names = source.partition(", volume ")
    return f"{partition}, volume {quote(names)}" if comma else partition
