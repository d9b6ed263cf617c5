"""The guest: where its root is, and the facts of each domain."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Fact, NotExamined
from byoi_tools.model.guest.boot import BootSetup
from byoi_tools.model.guest.byolinux import ByolinuxSetup
from byoi_tools.model.guest.cloud import CloudSetup
from byoi_tools.model.guest.identity import Identity
from byoi_tools.model.guest.kernels import Kernels
from byoi_tools.model.guest.mounts import Mounts
from byoi_tools.model.guest.network import NetworkSetup
from byoi_tools.model.guest.ssh import SshSetup
from byoi_tools.model.guest.storage import Storage
from byoi_tools.model.guest.superblock import Superblock
from byoi_tools.model.guest.system import OperatingSystem

_NOT_READ = NotExamined("it was not read")


class TroubleKind(Enum):
    """Why the files of a volume are not known."""

    UNSUPPORTED = "nothing reads it"
    DAMAGED = "it is damaged"
    CONTAINER_DAMAGED = "the container around it is damaged"
    READER_FAILED = "its reader failed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong with a volume, and what to do about it."""

    kind: TroubleKind
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A file system or swap space of the image and where the guest mounts it.

    `source` names it as the disk has it (`partition 3`, `partition 3, volume vg0/root`), `file_system` as `blkid` does.
    `mount_point` is empty for one that the guest does not mount. `reader` is `native`, `guestfs`, or empty where
    nobody read it. `superblock` is known for ext and XFS. `trouble` is the first thing that went wrong with reading it.
    `size_bytes` is that of its partition or logical volume. `missing_devices` counts the devices that it is made of and
    that are not in the image. `subvolumes` are the paths of those of a btrfs that the guest mounts; None of all else.
    `is_empty` tells of one without files but lost+found; asked only where no volume holds a root.
    """

    source: str
    file_system: str
    uuid: str
    label: str
    mount_point: str
    reader: str
    superblock: Superblock | None = None
    trouble: Trouble | None = None
    size_bytes: int = 0
    missing_devices: int = 0
    subvolumes: tuple[str, ...] | None = None
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """One root and all that its files tell. A domain that could not be read is not examined, with the reason.

    `volumes` are those of the whole image: first the ones that make up its tree, from the root on, then the others.
    `other_roots` names the volumes that hold further roots.
    """

    volumes: tuple[Volume, ...]
    other_roots: tuple[str, ...]
    system: Fact[OperatingSystem]
    kernels: Fact[Kernels]
    boot: Fact[BootSetup]
    mounts: Fact[Mounts]
    cloud: Fact[CloudSetup]
    network: Fact[NetworkSetup]
    ssh: Fact[SshSetup]
    identity: Fact[Identity]
    byolinux: Fact[ByolinuxSetup]
    storage: Fact[Storage] = _NOT_READ
