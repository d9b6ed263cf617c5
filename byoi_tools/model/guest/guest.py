"""The guest: where its root is, and the facts of each domain."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.model.fact import Fact
from byoi_tools.model.guest.boot import BootSetup
from byoi_tools.model.guest.byolinux import ByolinuxSetup
from byoi_tools.model.guest.cloud import CloudSetup
from byoi_tools.model.guest.identity import Identity
from byoi_tools.model.guest.kernels import Kernels
from byoi_tools.model.guest.mounts import Mounts
from byoi_tools.model.guest.network import NetworkSetup
from byoi_tools.model.guest.ssh import SshSetup
from byoi_tools.model.guest.system import OperatingSystem


@dataclass(frozen=True, slots=True)
class Volume:
    """A file system of the image and where the guest mounts it.

    `source` names it as the disk has it (`partition 3`, `partition 3, volume vg0/root`), `file_system` as `blkid` does.
    `mount_point` is empty for one that the guest does not mount. `reader` is `native` or `guestfs`.
    """

    source: str
    file_system: str
    uuid: str
    label: str
    mount_point: str
    reader: str


@dataclass(frozen=True, slots=True)
class Guest:
    """One root and all that its files tell. A domain that could not be read is not examined, with the reason.

    `volumes` are the file systems that make up its tree, the root first; `other_roots` names further roots.
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
