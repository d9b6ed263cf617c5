"""What the readers of a guest's domains read from: its tree, and the disk around it."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.disk import Disk
from byoi_tools.model.esp import Esp
from byoi_tools.model.guest.guest import Volume


@dataclass(frozen=True, slots=True)
class GuestContext:
    """The tree of one root; the disk with its partitions and their UUIDs; the ESPs; what is mounted where."""

    tree: GuestTree
    disk: Disk
    esps: tuple[Esp, ...]
    volumes: tuple[Volume, ...]
