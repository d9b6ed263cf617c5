"""A rehearsed boot: what was asked for, the milestones on the way, and what the system said once it could be asked."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Fact, NotExamined
from byoi_tools.model.image import ImageType
from byoi_tools.model.proof import GuestState

NOT_STARTED = NotExamined("the machine was not started")


class DiskBus(Enum):
    """What the disk hangs on."""

    NVME = "nvme"
    AHCI = "ahci"
    MEGARAID = "megaraid"
    VIRTIO = "virtio"


class NetworkCard(Enum):
    """The network card: what QEMU has of those in servers."""

    E1000E = "e1000e"
    IGB = "igb"


class Milestone(Enum):
    """How far a boot came, in the order of a boot; the last four may come in any order."""

    WRITTEN = "disk written"
    FIRMWARE = "firmware"
    LOADER = "loader"
    KERNEL = "kernel"
    ROOT = "root mounted"
    INIT = "init"
    NETWORK = "network up"
    CLOUD_INIT = "cloud-init done"
    LOGIN = "login prompt"
    SSH = "SSH login"

    @property
    def implied(self) -> tuple[Milestone, ...]:
        """The milestones that must have been passed, whether or not the console said so."""
        order = list(Milestone)
        last_certain = min(order.index(self), order.index(Milestone.INIT) + 1)
        return (*order[:last_certain], *((Milestone.NETWORK,) if self is Milestone.SSH else ()))


class Until(Enum):
    """The milestone that a rehearsal must reach."""

    LOGIN = "login"
    SSH = "ssh"

    @property
    def milestone(self) -> Milestone:
        """The milestone of that name."""
        return Milestone.LOGIN if self is Until.LOGIN else Milestone.SSH


@dataclass(frozen=True, slots=True)
class RehearsalOrder:
    """The machine, what its config drive holds, and how long to wait.

    `loader_path` is `efiBootloaderPath`. `users` are tried for the login after those that the console names, and
    `private_key` is the file with the private half of the SSH key, None when there is none. `keep` is the directory
    that gets the console and a screenshot. `has_secure_boot` is for UEFI alone.
    """

    boot: BootMode
    loader_path: str
    disk: DiskBus
    memory_bytes: int
    customizations: Customizations
    until: Until
    timeout_seconds: float
    users: tuple[str, ...] = ()
    private_key: Path | None = None
    keep: Path | None = None
    network: NetworkCard = NetworkCard.E1000E
    has_secure_boot: bool = False


@dataclass(frozen=True, slots=True)
class SourceImage:
    """The image to rehearse, judged before: its file, its format, and the size of the disk in it."""

    path: Path
    image_type: ImageType
    virtual_size_bytes: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A milestone that was seen: how many seconds after power-on, and in which line."""

    milestone: Milestone
    seconds: float
    line: str


@dataclass(frozen=True, slots=True)
class Screen:
    """What was drawn on the machine's screen after the loader had been started.

    `first_change_seconds` and `last_change_seconds` count from power-on, None when nothing was drawn then. `text` holds
    the lines of a VGA text mode, empty for a graphics mode, which nobody reads.
    """

    width_pixels: int
    height_pixels: int
    is_text_mode: bool
    first_change_seconds: float | None
    last_change_seconds: float | None
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How it went: what was reached when, why it ended after how many seconds, and what the system said.

    `accelerator` is `kvm` or `tcg`, `none` when no machine was started. `console_end` are the last lines.
    `contradictions` tell what the system says otherwise than it was ordered. `is_console_silent` tells that the
    system wrote nothing to the serial port, and its screen ended in graphics: it may have come further than it seems.
    """

    order: RehearsalOrder
    accelerator: str
    sightings: tuple[Sighting, ...]
    seconds: float
    ending: str
    console_end: tuple[str, ...]
    guest: Fact[GuestState]
    contradictions: tuple[str, ...] = ()
    screen: Fact[Screen] = NOT_STARTED
    is_console_silent: bool = False

    @property
    def passed(self) -> frozenset[Milestone]:
        """The milestones that were seen, and those that must have been passed on the way to them."""
        seen = [sighting.milestone for sighting in self.sightings]
        return frozenset(milestone for one in seen for milestone in (one, *one.implied))

    @property
    def missed(self) -> Milestone | None:
        """The first milestone that was not reached; None when the goal was."""
        passed = self.passed
        if self.order.until.milestone in passed:
            return None
        return next(milestone for milestone in Milestone if milestone not in passed)

    @property
    def has_succeeded(self) -> bool:
        """Whether the goal was reached, by the system that was ordered."""
        return self.missed is None and not self.contradictions
