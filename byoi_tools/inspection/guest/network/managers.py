"""Reads which network managers a boot starts, and in which form cloud-init could write configuration for them."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.section_file import read_section_file
from byoi_tools.inspection.guest.network.network_manager import MAIN_FILE
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.network import Manager, ManagerKind, Renderer, Resolver, WaitOnline

_WAIT_ONLINE = "systemd-networkd-wait-online.service"
_RESOLVED = "systemd-resolved.service"
_IFCFG_DIRECTORIES = ("/etc/sysconfig/network-scripts", "/etc/sysconfig/network")
_UNITS = {
    ManagerKind.NETWORKD: ("systemd-networkd.service",),
    ManagerKind.NETWORK_MANAGER: ("NetworkManager.service", "networkmanager.service"),
    ManagerKind.IFUPDOWN: ("networking.service",),
    ManagerKind.IFCFG: ("wicked.service", "network.service", "NetworkManager.service"),
}
_PROGRAMS = {
    ManagerKind.NETWORKD: ("/usr/lib/systemd/systemd-networkd", "/lib/systemd/systemd-networkd"),
    ManagerKind.NETWORK_MANAGER: ("/usr/sbin/NetworkManager", "/usr/bin/NetworkManager"),
    ManagerKind.IFUPDOWN: ("/usr/sbin/ifup", "/sbin/ifup"),
}
_NAME_SERVER = re.compile(r"^\s*nameserver\s+(\S{1,64})", re.M)


def read_managers(tree: GuestTree, units: Units) -> tuple[Manager, ...]:
    """Return the managers that are installed."""
    found = [_manager(kind, units) for kind, programs in _PROGRAMS.items() if any(map(tree.is_file, programs))]
    if any(tree.glob(directory, "ifcfg-*") for directory in _IFCFG_DIRECTORIES):
        found.append(_manager(ManagerKind.IFCFG, units))
    if tree.is_file("/etc/rc.subr"):
        found.append(Manager(ManagerKind.RC_CONF, is_enabled=True, state="rc.conf is read on every boot"))
    return tuple(found)


def _manager(kind: ManagerKind, units: Units) -> Manager:
    enabled = units.first_enabled(*_UNITS[kind])
    state = enabled or next((unit for unit in map(units.unit, _UNITS[kind]) if unit.is_masked), None)
    return Manager(kind, enabled is not None, str(state or units.unit(_UNITS[kind][0])))


def read_renderers(
    tree: GuestTree, units: Units, managers: tuple[Manager, ...], netplan: ManagerKind
) -> tuple[Renderer, ...]:
    """Return what cloud-init's renderers would find available (`available()` of `cloudinit/net/*.py`), in its order.

    `netplan` is the manager that netplan writes for. Its generator starts that manager itself, so being enabled is not
    asked of it, only not being masked.
    """
    states = {manager.kind: manager for manager in managers}
    candidates = (
        (
            "eni",
            ManagerKind.IFUPDOWN,
            _has_programs(tree, "ifup", "ifdown") and tree.is_file("/etc/network/interfaces"),
        ),
        ("sysconfig", ManagerKind.IFCFG, any(tree.is_directory(path) for path in _IFCFG_DIRECTORIES)),
        ("netplan", netplan, _has_programs(tree, "netplan")),
        ("network-manager", ManagerKind.NETWORK_MANAGER, tree.is_file("/usr/bin/nmcli") and tree.is_file(MAIN_FILE)),
        ("freebsd", ManagerKind.RC_CONF, ManagerKind.RC_CONF in states),
        ("networkd", ManagerKind.NETWORKD, _has_programs(tree, "ip") and tree.is_file("/usr/bin/systemctl")),
    )
    return tuple(
        _renderer(name, kind, states.get(kind), units) for name, kind, is_available in candidates if is_available
    )


def _renderer(name: str, kind: ManagerKind, manager: Manager | None, units: Units) -> Renderer:
    if name == "sysconfig":
        manager = _manager(kind, units)
    if manager is None:
        return Renderer(name, kind, is_working=False, state=f"{kind.value} is not installed")
    unit = units.unit(_UNITS[kind][0]) if kind in _UNITS else None
    is_working = manager.is_enabled or (name == "netplan" and unit is not None and unit.is_installed)
    return Renderer(name, kind, is_working, manager.state)


def _has_programs(tree: GuestTree, *names: str) -> bool:
    directories = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")
    return all(any(tree.is_file(f"{directory}/{name}") for directory in directories) for name in names)


def read_wait_online(units: Units) -> WaitOnline:
    """Return how the boot waits for systemd-networkd: drop-ins count, an empty ExecStart takes those before it away."""
    text = units.text(_WAIT_ONLINE)
    commands: list[str] = []
    for value in read_section_file(text).values("Service", "ExecStart"):
        commands = [*commands, value] if value else []
    is_any = any(re.search(r"\s(--any|-i|--interface)\b", command) for command in commands)
    return WaitOnline(units.unit(_WAIT_ONLINE).is_enabled, is_any)


def read_resolver(tree: GuestTree, units: Units, managers: tuple[Manager, ...]) -> Resolver:
    """Return `/etc/resolv.conf`; a link into `/run` is made at boot where the service that makes it is enabled."""
    path = "/etc/resolv.conf"
    target = tree.read_link(path) or ""
    text = tree.read_text(path, 65536)
    enabled = {manager.kind for manager in managers if manager.is_enabled}
    makers = {
        "systemd/resolve": units.unit(_RESOLVED).is_enabled,
        "NetworkManager": ManagerKind.NETWORK_MANAGER in enabled,
        "resolvconf": any(tree.is_file(f"/{directory}/resolvconf") for directory in ("usr/sbin", "sbin")),
        "netconfig": tree.is_file("/usr/sbin/netconfig") or tree.is_file("/sbin/netconfig"),
        "connman": units.unit("connman.service").is_enabled,
    }
    if target:
        is_made = any(word in target and is_there for word, is_there in makers.items())
    else:  # clients of DHCP write the file anew
        is_made = bool(enabled & {ManagerKind.NETWORK_MANAGER, ManagerKind.IFUPDOWN, ManagerKind.IFCFG})
    return Resolver(text is not None, target, is_made, tuple(_NAME_SERVER.findall(text or ""))[:10])
