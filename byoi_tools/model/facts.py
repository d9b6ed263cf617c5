"""All that inspection found out about one image."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.esp import Esp
from byoi_tools.model.fact import Fact, NotExamined
from byoi_tools.model.guest.guest import Guest, Volume
from byoi_tools.model.image import Container

_NOT_READ = NotExamined("the guest was not read")


@dataclass(frozen=True, slots=True)
class Facts:
    """The container, and what could be read inside it; `esps` is empty where the disk has none.

    `volumes` are the file systems and swap spaces of the disk, whether or not they belong to a guest.
    """

    container: Container
    disk: Fact[Disk]
    esps: Fact[tuple[Esp, ...]]
    bios: Fact[BiosBoot]
    volumes: Fact[tuple[Volume, ...]] = _NOT_READ
    guest: Fact[Guest] = _NOT_READ
