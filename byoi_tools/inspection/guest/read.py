"""Reads the guest of a disk: finds its volumes, its root, puts the tree together, reads every domain."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.source import ByteSource
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.guarded import read_guarded
from byoi_tools.inspection.guest.kernels.read import BegunKernels, begin_kernels
from byoi_tools.inspection.guest.volumes.containers import open_containers
from byoi_tools.inspection.guest.volumes.find import FoundVolume, find_volumes
from byoi_tools.inspection.guest.volumes.readers import Readers
from byoi_tools.inspection.guest.volumes.roots import assemble, find_roots, order_volumes
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.esp import Esp
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.guest import Guest, TroubleKind, Volume
from byoi_tools.model.quoting import quote


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """The volumes of a disk, and the guest where there is one."""

    volumes: tuple[Volume, ...]
    guest: Fact[Guest]


@dataclass(frozen=True, slots=True)
class OpenGuest:
    """A guest that is found and put together, and its kernels, which are begun to be read."""

    context: GuestContext
    other_roots: tuple[str, ...]
    kernels: Fact[BegunKernels]


@dataclass(frozen=True, slots=True)
class OpenDisk:
    """The volumes of a disk, and its guest or why there is none."""

    found: tuple[FoundVolume, ...]
    guest: Fact[OpenGuest]

    def read_guest(self, esps: tuple[Esp, ...], bios: BiosBoot | None) -> GuestFacts:
        """Return what the disk's file systems tell; raises nothing for what they contain."""
        guest = _read(self.guest.value, esps, bios) if isinstance(self.guest, Known) else self.guest
        volumes = order_volumes(self.found)  # once all is read: only now their troubles are known
        return GuestFacts(volumes, Known(replace(guest, volumes=volumes)) if isinstance(guest, Guest) else guest)


def open_disk(source: ByteSource, disk: Disk, readers: Readers, aside: Executor) -> OpenDisk:
    """Find the volumes and the guest of a disk; its first initramfs is opened aside, while the caller does other work.

    Raises nothing for what they contain.
    """
    found = find_volumes(source, disk, readers)
    roots = find_roots(found)
    if (not roots or readers.opens_everything) and (inside := open_containers(found, readers)):
        found = (*found, *inside)
        roots = find_roots(found)
    if not roots:
        for volume in found:
            volume.look_whether_empty()
    return OpenDisk(found, _open_guest(roots, found, disk, aside) if roots else NotExamined(_why_none(found)))


def _open_guest(
    roots: list[FoundVolume], found: tuple[FoundVolume, ...], disk: Disk, aside: Executor
) -> Fact[OpenGuest]:
    try:
        context = assemble(roots[0], found, disk)
    except (ImageError, ToolError) as error:
        return NotExamined(error.message)
    kernels = read_guarded(lambda: begin_kernels(context.tree, aside))
    return Known(OpenGuest(context, tuple(root.source for root in roots[1:]), kernels))


def _read(opened: OpenGuest, esps: tuple[Esp, ...], bios: BiosBoot | None) -> Guest:
    from byoi_tools.inspection.guest.domains import read_domains  # imported while the first initramfs is opened aside

    return read_domains(replace(opened.context, esps=esps, bios=bios), opened.other_roots, opened.kernels)


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
