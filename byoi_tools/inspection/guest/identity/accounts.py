"""Reads who may log in to a guest: accounts, passwords' states, sudo without a password, authorized keys."""

from __future__ import annotations

from collections.abc import Iterable

from byoi_tools.formats.guest_files.accounts import (
    count_authorized_keys,
    parse_accounts,
    parse_groups,
    parse_passwordless_rules,
)
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.identity import Account, AuthorizedKeys, SudoGrant

_MAXIMUM_HOMES = 64
_MAXIMUM_FILES = 64
_MAXIMUM_GRANTS = 200
_MAXIMUM_MEMBERS = 200
_SUDOERS_DIRECTORIES = ("/etc/sudoers.d", "/usr/local/etc/sudoers.d")
_SUDOERS_FILES = ("/etc/sudoers", "/usr/etc/sudoers", "/usr/local/etc/sudoers")
_SHARED_KEYS = ("/etc/ssh/authorized_keys",)
_SHARED_KEY_DIRECTORIES = ("/etc/ssh/authorized_keys", "/etc/ssh/authorized_keys.d")
_KEY_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")


def read_accounts(tree: GuestTree) -> tuple[Account, ...]:
    """Return the accounts; empty where there is no passwd."""
    return parse_accounts(tree.read_text("/etc/passwd") or "", tree.read_text("/etc/shadow"))


def find_homes(tree: GuestTree, accounts: Iterable[Account]) -> tuple[str, ...]:
    """The home directories of root and of people, and what else lies in /home; at most 64."""
    declared = [account.home for account in accounts if account.user_id == 0 or account.is_person]
    present = [f"/home/{e.name}" for e in tree.entries("/home") if e.status.kind is FileKind.DIRECTORY]
    homes = dict.fromkeys(home.rstrip("/") for home in ["/root", *declared, *present] if home.startswith("/"))
    return tuple(home for home in list(homes)[:_MAXIMUM_HOMES] if home and tree.is_directory(home))


def read_sudo_grants(tree: GuestTree, accounts: Iterable[Account]) -> tuple[SudoGrant, ...]:
    """Return the rules of sudo without a password; of the directories, files that sudo reads (no dot, no tilde)."""
    paths = [*_SUDOERS_FILES, *(f"{folder}/{name}" for folder in _SUDOERS_DIRECTORIES for name in tree.names(folder))]
    groups = parse_groups(tree.read_text("/etc/group") or "")
    names = frozenset(account.name for account in accounts)
    grants: list[SudoGrant] = []
    for path in paths[:_MAXIMUM_FILES]:
        name = path.rpartition("/")[2]
        if "." in name or name.endswith("~"):
            continue
        for rule in parse_passwordless_rules(tree.read_text(path) or ""):
            members = groups.get(rule.who[1:], ()) if rule.who.startswith("%") else (rule.who,)
            known = tuple(member for member in members if member in names)
            grants.append(SudoGrant(rule.who, known[:_MAXIMUM_MEMBERS], path, rule.line))
    return tuple(grants[:_MAXIMUM_GRANTS])


def read_authorized_keys(tree: GuestTree, homes: Iterable[str]) -> tuple[AuthorizedKeys, ...]:
    """Return the files with at least one key that may log in."""
    paths = [f"{home}/{name}" for home in homes for name in _KEY_FILES]
    paths += [*_SHARED_KEYS, *(f"{d}/{name}" for d in _SHARED_KEY_DIRECTORIES for name in tree.names(d))]
    found = ((path, tree.read_text(path)) for path in paths[: _MAXIMUM_FILES * 4])
    counted = (AuthorizedKeys(path, count_authorized_keys(text)) for path, text in found if text is not None)
    return tuple(keys for keys in counted if keys.key_count)
