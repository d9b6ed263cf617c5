"""The network of the guest on a server whose cards it has never seen."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.net.addressing import dhcp, static_leftover, mac_pinned, ifname_pinned
from byoi_tools.checks.net.services import renderer, wait_online, resolv, hostname, firewall

__all__ = [
    "dhcp",
    "firewall",
    "hostname",
    "ifname_pinned",
    "mac_pinned",
    "renderer",
    "resolv",
    "static_leftover",
    "wait_online",
]
