"""Reads users, passwords, keys, and whatever a clone would share with its siblings."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.identity.accounts import (
    find_homes,
    read_accounts,
    read_authorized_keys,
    read_sudo_grants,
)
from byoi_tools.inspection.guest.identity.guest_agents import find_guest_agents
from byoi_tools.inspection.guest.identity.leftovers import find_leftovers
from byoi_tools.inspection.guest.identity.secret_files import find_secrets
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.identity import Identity, MachineId

_ID_BYTES = 64
_DBUS_ID = "/var/lib/dbus/machine-id"


def read_identity(context: GuestContext) -> Identity:
    """Return the facts of this domain; raises what the context's tree raises. Secrets are found, never kept."""
    tree = context.tree
    accounts = read_accounts(tree)
    homes = find_homes(tree, accounts)
    return Identity(
        accounts=accounts,
        passwordless_sudo=read_sudo_grants(tree, accounts),
        authorized_keys=read_authorized_keys(tree, homes),
        secrets=find_secrets(tree, homes),
        ssh_host_keys=_host_keys(tree),
        machine_id=_machine_id(tree, "/etc/machine-id"),
        dbus_machine_id=_dbus_machine_id(tree),
        leftovers=find_leftovers(tree, context.esps, homes),
        guest_agents=find_guest_agents(tree),
    )


def _host_keys(tree: GuestTree) -> tuple[str, ...]:
    return tuple(
        path for directory in ("/etc/ssh", "/etc/dropbear") for path in _keys_in(tree, directory) if tree.is_file(path)
    )


def _keys_in(tree: GuestTree, directory: str) -> tuple[str, ...]:
    pattern = "ssh_host_*_key" if directory == "/etc/ssh" else "dropbear_*_host_key"
    return tree.glob(directory, pattern)


def _machine_id(tree: GuestTree, path: str) -> MachineId:
    content = tree.read(path, _ID_BYTES)
    if content is None:
        return MachineId.ABSENT
    text = content.strip()
    if not text:
        return MachineId.EMPTY
    return MachineId.UNINITIALIZED if text == b"uninitialized" else MachineId.SET


def _dbus_machine_id(tree: GuestTree) -> MachineId:
    status = tree.link_status(_DBUS_ID)
    if status is None or status.kind is not FileKind.FILE:
        return MachineId.ABSENT
    return _machine_id(tree, _DBUS_ID)
