"""What a check looks at: the facts of one image and what is meant to be done with it."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.esp import Esp, EspContent, efi_path
from byoi_tools.model.disks.loader import choose_loader
from byoi_tools.model.disks.partition_table import Gpt, Mbr, TableScheme
from byoi_tools.model.disks.qcow2 import Qcow2ClusterMap, Qcow2Header
from byoi_tools.model.fact import Fact, NotExamined, NotKnownError
from byoi_tools.model.facts import Facts
from byoi_tools.model.guest.boot import BootSetup
from byoi_tools.model.guest.byolinux import ByolinuxSetup
from byoi_tools.model.guest.cloud import CloudSetup
from byoi_tools.model.guest.guest import Guest, Volume
from byoi_tools.model.guest.identity import Identity
from byoi_tools.model.guest.kernels import Kernels
from byoi_tools.model.guest.mounts import Mounts
from byoi_tools.model.guest.network import NetworkSetup
from byoi_tools.model.guest.ssh import SshSetup
from byoi_tools.model.guest.storage import Storage
from byoi_tools.model.guest.system import OperatingSystem
from byoi_tools.model.image import Container
from byoi_tools.model.intent import Intent

NO_SERVER = NotExamined("no server is named")


@dataclass(frozen=True, slots=True)
class Subject:
    """One image under examination, and the deployment that is meant with it where a server is named.

    A property whose fact was not examined, or that does not apply to this image, raises `NotKnownError` with the
    reason: the check that asked is skipped.
    """

    examined: Fact[Facts]
    intent: Intent
    meant: Fact[PlannedDeployment] = NO_SERVER

    @property
    def facts(self) -> Facts:
        """What inspection found out; skips where the image was not looked at."""
        return self.examined.known()

    @property
    def planned(self) -> PlannedDeployment:
        """The deployment that is meant; skips where no server is named."""
        return self.meant.known()

    @property
    def container(self) -> Container:
        """The file around the virtual disk."""
        return self.facts.container

    @property
    def qcow2(self) -> Qcow2Header:
        """The qcow2 header; skips for other formats."""
        if self.container.qcow2 is None:
            raise NotKnownError(f"the image is {self.container.format.value}, not qcow2")
        return self.container.qcow2.header

    @property
    def cluster_map(self) -> Qcow2ClusterMap:
        """The counted cluster map of a qcow2; skips for other formats."""
        if self.container.qcow2 is None:
            raise NotKnownError(f"the image is {self.container.format.value}, not qcow2")
        return self.container.qcow2.cluster_map.known()

    @property
    def virtual_size_bytes(self) -> int:
        """The size of the virtual disk."""
        return self.container.virtual_size_bytes.known()

    @property
    def disk(self) -> Disk:
        """The virtual disk."""
        return self.facts.disk.known()

    @property
    def gpt(self) -> Gpt:
        """The GPT; skips for disks that have none."""
        if self.disk.scheme is not TableScheme.GPT or self.disk.gpt is None:
            raise NotKnownError("the disk has no GPT")
        return self.disk.gpt

    @property
    def mbr(self) -> Mbr:
        """The MBR of a disk that is partitioned by it; skips for GPT disks and disks without a table."""
        if self.disk.scheme is not TableScheme.MBR:
            raise NotKnownError("the disk is not partitioned by an MBR")
        return self.disk.mbr

    @property
    def esps(self) -> tuple[Esp, ...]:
        """The EFI system partitions; empty where the disk has none."""
        return self.facts.esps.known()

    @property
    def esp(self) -> Esp:
        """The first EFI system partition; skips where the disk has none."""
        if not self.esps:
            raise NotKnownError("the disk has no EFI system partition")
        return self.esps[0]

    @property
    def esp_content(self) -> EspContent:
        """The content of the first EFI system partition; skips where it cannot be read."""
        return self.esp.content.known()

    @property
    def bios(self) -> BiosBoot:
        """The legacy boot code."""
        return self.facts.bios.known()

    @property
    def loader_path(self) -> str | None:
        """The loader path that the provider will be given: the declared one, else the best one in the ESP."""
        if self.intent.loader_path is not None:
            return self.intent.loader_path
        chosen = choose_loader(self.esp_content)
        return efi_path(chosen.path) if chosen else None

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The file systems and swap spaces of the disk."""
        return self.facts.volumes.known()

    @property
    def guest(self) -> Guest:
        """The system in the image; skips where no root could be read."""
        return self.facts.guest.known()

    @property
    def system(self) -> OperatingSystem:
        """The guest's operating system."""
        return self.guest.system.known()

    @property
    def kernels(self) -> Kernels:
        """The guest's kernels, modules, firmware and initramfs images."""
        return self.guest.kernels.known()

    @property
    def boot_setup(self) -> BootSetup:
        """The guest's boot loader configuration and kernel command lines."""
        return self.guest.boot.known()

    @property
    def mounts(self) -> Mounts:
        """The guest's fstab."""
        return self.guest.mounts.known()

    @property
    def cloud(self) -> CloudSetup:
        """The guest's cloud-init, or its counterpart."""
        return self.guest.cloud.known()

    @property
    def network(self) -> NetworkSetup:
        """The guest's network configuration."""
        return self.guest.network.known()

    @property
    def ssh(self) -> SshSetup:
        """The guest's SSH server."""
        return self.guest.ssh.known()

    @property
    def identity(self) -> Identity:
        """The guest's users, passwords, keys and what its clones would share."""
        return self.guest.identity.known()

    @property
    def storage(self) -> Storage:
        """What lets the guest's root grow, and its SELinux labels."""
        return self.guest.storage.known()

    @property
    def byolinux(self) -> ByolinuxSetup:
        """What Bring Your Own Linux needs of the guest."""
        return self.guest.byolinux.known()
