"""Hygiene of an image that many servers get: shared identity, open doors, leaked secrets, baggage."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.hygiene.clones import machine_id, ssh_host_keys
from byoi_tools.checks.hygiene.access import authorized_keys
from byoi_tools.checks.hygiene.leaks import private_keys
from byoi_tools.checks.hygiene.access import passwords, extra_users
from byoi_tools.checks.hygiene.leaks import history, logs
from byoi_tools.checks.hygiene.clones import dhcp_leases, random_seed, credential_secret, hostid_lvm
from byoi_tools.checks.hygiene.baggage import pkg_cache
from byoi_tools.checks.hygiene.leaks import subscription
from byoi_tools.checks.hygiene.baggage import vm_agents
from byoi_tools.checks.hygiene.leaks import packer_leftovers
from byoi_tools.checks.hygiene.baggage import swapfile, eol_os

__all__ = [
    "authorized_keys",
    "credential_secret",
    "dhcp_leases",
    "eol_os",
    "extra_users",
    "history",
    "hostid_lvm",
    "logs",
    "machine_id",
    "packer_leftovers",
    "passwords",
    "pkg_cache",
    "private_keys",
    "random_seed",
    "ssh_host_keys",
    "subscription",
    "swapfile",
    "vm_agents",
]
