"""Reads passwd, shadow, group and sudoers (passwd(5), shadow(5), group(5), sudoers(5)); wrong lines are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.identity import Account, PasswordState

_MAXIMUM_LINES = 10_000
_MAXIMUM_RULES = 200
_NOT_RULES = ("Defaults", "@include", "#include", "User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias")


@dataclass(frozen=True, slots=True)
class SudoRule:
    """A rule with the tag NOPASSWD: whom it is for, as written, and its line."""

    who: str
    line: int


def parse_accounts(passwd: str, shadow: str | None) -> tuple[Account, ...]:
    """Return the accounts of passwd; without a shadow file the second field of passwd counts (passwd(5)).

    An account whose `x` has no line in shadow cannot log in by password: it counts as locked.
    """
    states = {name: _password(field) for name, field in _shadow_fields(shadow or "")}
    accounts: list[Account] = []
    for line in _lines(passwd):
        fields = line.split(":")
        if len(fields) < 7 or not fields[0] or not re.fullmatch(r"[0-9]{1,10}", fields[2], re.ASCII):
            continue
        name, own, user_id, _, _, home, shell = fields[:7]
        state = states.get(name, PasswordState.LOCKED) if own == "x" else _password(own)
        accounts.append(Account(name, int(user_id), home, shell.strip(), state))
    return tuple(accounts)


def parse_groups(group: str) -> Mapping[str, tuple[str, ...]]:
    """Return the members of each group; those who have it as their primary group are not among them."""
    rows = (line.split(":") for line in _lines(group))
    return {row[0]: tuple(name for name in row[3].strip().split(",") if name) for row in rows if len(row) >= 4}


def parse_passwordless_rules(sudoers: str) -> tuple[SudoRule, ...]:
    """Return the rules that ask for no password, at most 200; a continued line has the number where it begins."""
    rules: list[SudoRule] = []
    for number, line in _joined(sudoers):
        if line.startswith(_NOT_RULES):
            continue
        rule = line.partition("#")[0]  # `#1000` as a user id is rare enough
        found = re.match(r"(\S+)\s[^=]*=.*\bNOPASSWD\s*:", rule)
        if found:
            rules.append(SudoRule(found[1], number))
        if len(rules) == _MAXIMUM_RULES:
            break
    return tuple(rules)


def count_authorized_keys(text: str) -> int:
    """How many keys an authorized_keys file has: lines that are neither empty nor comments (sshd(8))."""
    return sum(1 for line in _lines(text) if line.strip() and not line.strip().startswith("#"))


def _shadow_fields(shadow: str) -> Iterator[tuple[str, str]]:
    for line in _lines(shadow):
        fields = line.split(":")
        if len(fields) >= 2:
            yield fields[0], fields[1]


def _password(field: str) -> PasswordState:
    if not field:
        return PasswordState.EMPTY
    return PasswordState.LOCKED if field[0] in "!*" or field == "x" else PasswordState.SET


def _lines(text: str) -> list[str]:
    return text.split("\n", _MAXIMUM_LINES)[:_MAXIMUM_LINES]


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash continues, and the number of the first."""
    begun, start = "", 0
    for number, line in enumerate(_lines(text), 1):
        start = start if begun else number
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        yield start, (begun + line).strip()
        begun = ""
    if begun:
        yield start, begun.strip()
