"""How the guest boots: loader configurations, entries, kernel command lines, the chain that leads to them."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.command_line import CommandLine


class LinkKind(Enum):
    """A step on the way from the firmware to the root file system, in the order in which they come."""

    LOADER = "boot loader"
    SECOND_STAGE = "second stage"
    MODULES = "module"
    PREFIX = "first configuration"
    SEARCH = "search for a file system"
    CONFIG = "configuration"
    ENTRY = "default entry"
    KERNEL = "kernel"
    INITRD = "initrd"
    ROOT = "root file system"


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One step: `name` is what is looked for, `place` who looks for it; `problem` is empty when it is there."""

    kind: LinkKind
    name: str
    place: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BootEntry:
    """A line of a boot menu, with its variables replaced.

    `place` is the file that it was read from, with the line. `kernel` and `initrds` are paths on `device` (`partition
    3`); `missing` are those among them that do not exist. `is_kernel_signed` is None where the kernel was not read.
    """

    identity: str
    title: str
    place: str
    device: str
    kernel: str
    initrds: tuple[str, ...]
    missing: tuple[str, ...]
    command_line: CommandLine
    is_kernel_signed: bool | None = None


@dataclass(frozen=True, slots=True)
class MenuSettings:
    """What a menu does when nobody is there.

    `timeout` and `timeout_after_failure` are as the configuration has them (`-1` waits forever), empty where nothing
    sets them. `is_default_locked` tells that the default entry asks for a password.
    """

    timeout: str
    timeout_after_failure: str
    is_default_locked: bool


@dataclass(frozen=True, slots=True)
class BootChain:
    """The way from one boot loader to a root file system.

    `loader` is its path in the ESP of `partition_number`, empty for the boot code of LBA 0. `links` end with the first
    broken one. `end` says why nothing more is known where no link is broken, and is empty when the root was reached.
    `specified` are the entries of the Boot Loader Specification in the menu, `unset_variables` the variables in them
    that nothing sets.
    """

    loader: str
    partition_number: int | None
    links: tuple[ChainLink, ...]
    entry: BootEntry | None
    menu: MenuSettings | None
    specified: tuple[BootEntry, ...]
    unset_variables: tuple[str, ...]
    end: str

    @property
    def broken(self) -> ChainLink | None:
        """The link that does not hold."""
        return next((link for link in self.links if link.problem), None)


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable that a file of the guest sets, and the file."""

    name: str
    value: str
    place: str


@dataclass(frozen=True, slots=True)
class SyslinuxFiles:
    """A directory of SYSLINUX or EXTLINUX: the paths of its configuration and of its two parts, empty if missing."""

    directory: str
    config: str
    loader: str
    library: str


@dataclass(frozen=True, slots=True)
class BootSetup:
    """Every chain of the image, those of UEFI in the order of the programs in the ESPs, the one of the BIOS last.

    `grub_defaults` are the settings of /etc/default/grub and of grub.d behind it, `grub_environment` those of
    grubenv. `device_map` has GRUB's names and the devices that a stale device.map gives them. `default_target` is the
    unit (`multi-user.target`), empty without systemd. `installer_marks` are the paths that only installers have.
    `host_id` is the path of a baked-in host id where the guest has ZFS, or empty.
    """

    chains: tuple[BootChain, ...]
    grub_defaults: tuple[Setting, ...]
    grub_environment: tuple[Setting, ...]
    device_map: tuple[Setting, ...]
    syslinux: tuple[SyslinuxFiles, ...]
    default_target: str
    has_display_manager: bool
    is_clock_local: bool
    is_emergency_shell_forced: bool
    installer_marks: tuple[str, ...]
    ostree_deployments: tuple[str, ...]
    host_id: str
