"""How the guest configures its network: what would apply to a network card whose name nobody knows yet."""

from __future__ import annotations

import fnmatch
from enum import Enum

from byoi_tools.model.dataclass import dataclass

# Names that a server's cards have: on the board, in a slot (systemd.net-naming-scheme(7)); or the kernel's own.
_PREDICTABLE_NAMES = ("eno1", "enp1s0f0")
_KERNEL_NAMES = ("eth0",)


class ManagerKind(Enum):
    """A program that brings interfaces up."""

    NETWORKD = "systemd-networkd"
    NETWORK_MANAGER = "NetworkManager"
    IFUPDOWN = "ifupdown"
    IFCFG = "ifcfg files"
    RC_CONF = "rc.conf"


@dataclass(frozen=True, slots=True)
class UnreadFile:
    """A configuration file that the program it is for would not be able to parse, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manager:
    """One that is installed, whether a boot starts it, and the words for it (`networking.service is not enabled`)."""

    kind: ManagerKind
    is_enabled: bool
    state: str


@dataclass(frozen=True, slots=True)
class InterfaceConfig:
    """A configuration of interfaces in a file of the guest.

    `names` are patterns as a shell has them, those that begin with `!` excluding; empty stands for every name.
    `is_restricted` tells of conditions beside names and addresses of cards (driver, path, virtualisation).
    `addresses` are static ones. `is_by_cloud_init` files were written by cloud-init, which overwrites them when it runs
    again. `is_waited_for` interfaces keep systemd-networkd-wait-online waiting.
    """

    manager: ManagerKind
    place: str
    names: tuple[str, ...]
    macs: tuple[str, ...]
    is_restricted: bool
    uses_dhcp: bool
    addresses: tuple[str, ...]
    is_by_cloud_init: bool
    is_waited_for: bool = False

    def applies_to_any_card(self, *, has_kernel_names: bool) -> bool:
        """Whether it applies to cards that nobody has seen: bound to no address, and with a wide pattern."""
        if self.macs or self.is_restricted:
            return False
        wanted = _KERNEL_NAMES if has_kernel_names else _PREDICTABLE_NAMES
        return all(self._has_name(name) for name in wanted)

    def _has_name(self, name: str) -> bool:
        positive = [pattern for pattern in self.names if not pattern.startswith("!")]
        if any(fnmatch.fnmatchcase(name, pattern[1:]) for pattern in self.names if pattern.startswith("!")):
            return False
        return not positive or any(fnmatch.fnmatchcase(name, pattern) for pattern in positive)


@dataclass(frozen=True, slots=True)
class MacPin:
    """A rule that gives a name to one card, by its hardware address."""

    place: str
    mac: str


@dataclass(frozen=True, slots=True)
class Renderer:
    """A form in which cloud-init can write network configuration here, and who brings it up."""

    name: str
    manager: ManagerKind
    is_working: bool
    state: str


@dataclass(frozen=True, slots=True)
class Resolver:
    """`/etc/resolv.conf`: the target if it is a link, whether something will make it, the servers if it is a file."""

    exists: bool
    target: str
    is_made_at_boot: bool
    servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitOnline:
    """systemd-networkd-wait-online: whether a boot starts it, and whether one interface is enough for it."""

    is_enabled: bool
    is_any_enough: bool


@dataclass(frozen=True, slots=True)
class Firewall:
    """A firewall that a boot starts.

    `drops` tells that it refuses what no rule accepts. `accepted` are the TCP ports of rules that accept, as they are
    written (`22`, `8000-8100`, `any`); `is_understood` is False where includes or sets hide some.
    """

    name: str
    path: str
    drops: bool
    accepted: tuple[str, ...]
    is_understood: bool

    def accepts(self, port: int) -> bool:
        """Whether a rule accepts that port."""
        return any(_has_port(written, port) for written in self.accepted)


@dataclass(frozen=True, slots=True)
class NetworkSetup:
    """All of it. `renderers` are in cloud-init's own order of preference.

    `has_kernel_names` tells that files of the guest keep the kernel's names (`eth0`). `is_automatic` tells that
    NetworkManager makes a DHCP connection for every card without any configuration. `hostname` is `/etc/hostname`.
    """

    managers: tuple[Manager, ...]
    interfaces: tuple[InterfaceConfig, ...]
    unread_files: tuple[UnreadFile, ...]
    mac_pins: tuple[MacPin, ...]
    renderers: tuple[Renderer, ...]
    has_kernel_names: bool
    is_automatic: bool
    resolver: Resolver
    wait_online: WaitOnline
    firewalls: tuple[Firewall, ...]
    hostname: str

    def manager(self, kind: ManagerKind) -> Manager:
        """That manager; a disabled one where it is not installed."""
        found = next((one for one in self.managers if one.kind is kind), None)
        return found or Manager(kind, is_enabled=False, state=f"{kind.value} is not installed")


def _has_port(written: str, port: int) -> bool:
    first, _, last = written.replace(":", "-").partition("-")
    if written in ("any", str(port)):
        return True
    return first.isdecimal() and last.isdecimal() and int(first) <= port <= int(last)
