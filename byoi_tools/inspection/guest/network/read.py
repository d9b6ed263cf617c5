"""Reads how the guest configures its network: every file that names interfaces, and the services that act on them."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.network.firewall import read_firewalls
from byoi_tools.inspection.guest.network.managers import (
    read_managers,
    read_renderers,
    read_resolver,
    read_wait_online,
)
from byoi_tools.inspection.guest.network.netplan import read_netplan
from byoi_tools.inspection.guest.network.network_manager import is_automatic, read_profiles
from byoi_tools.inspection.guest.network.networkd import has_kernel_names, read_link_pins, read_networkd
from byoi_tools.inspection.guest.network.older_files import read_ifcfg, read_ifupdown, read_rc_conf, read_udev_pins
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.network import ManagerKind, NetworkSetup


def read_network(context: GuestContext) -> NetworkSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    units = Units(tree)
    managers = read_managers(tree, units)
    netplan = read_netplan(tree)
    interfaces = (
        *read_ifupdown(tree),
        *netplan.interfaces,
        *read_networkd(tree),
        *read_profiles(tree),
        *read_ifcfg(tree),
        *read_rc_conf(tree),
    )
    enabled = {manager.kind for manager in managers if manager.is_enabled}
    return NetworkSetup(
        managers=managers,
        interfaces=interfaces,
        unread_files=netplan.unread_files,
        mac_pins=(*read_udev_pins(tree), *read_link_pins(tree)),
        renderers=read_renderers(tree, units, managers, netplan.renderer),
        has_kernel_names=has_kernel_names(tree),
        is_automatic=ManagerKind.NETWORK_MANAGER in enabled and is_automatic(tree),
        resolver=read_resolver(tree, units, managers),
        wait_online=read_wait_online(units),
        firewalls=read_firewalls(tree, units),
        hostname=(tree.read_text("/etc/hostname", 4096) or "").strip(),
    )
