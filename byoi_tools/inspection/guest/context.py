"""What the readers of a guest's domains read from: its tree, and the disk around it."""

from __future__ import annotations

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.esp import Esp
from byoi_tools.model.guest.guest import Volume


@dataclass(frozen=True, slots=True)
class GuestContext:
    """The tree of one root; the disk with its partitions and their UUIDs; the ESPs; what is mounted where.

    `bios` is the legacy boot code, None where it could not be read.
    """

    tree: GuestTree
    disk: Disk
    esps: tuple[Esp, ...]
    volumes: tuple[Volume, ...]
    bios: BiosBoot | None = None
