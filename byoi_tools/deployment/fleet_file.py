"""Reads the file of a fleet: `[[server]]` tables, and `[defaults]` for what a server does not say itself."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode
from byoi_tools.tools.ovh.api import server_route

_TEXTS = ("hostname", "user-data", "boot", "efi-bootloader-path", "ssh-key", "ssh-address")
_NUMBERS = ("disk-group",)
_TABLES = ("metadata", "values")
_SWITCHES = ("template",)
_KEYS = frozenset((*_TEXTS, *_NUMBERS, *_TABLES, *_SWITCHES))
_ONLY_A_SERVER_S = frozenset({"name", "hostname", "ssh-address"})
_REMEDY = (
    "A server has name and any of "
    + ", ".join(sorted(_KEYS))
    + "; [defaults] has the same but its name, hostname and ssh-address."
)
_Table = dict[str, object]


@dataclass(frozen=True, slots=True)
class FleetEntry:
    """A server as the file tells of it, the defaults applied; files are relative to the fleet's own file.

    `values` are what the placeholders of the user data stand for: the texts and numbers of the server, and those under
    `values`. `is_template` tells whether the user data has placeholders at all.
    """

    name: str
    hostname: str | None = None
    user_data: Path | None = None
    ssh_key: Path | None = None
    boot: BootMode | None = None
    loader_path: str | None = None
    disk_group_id: int | None = None
    ssh_address: str | None = None
    metadata: tuple[tuple[str, str], ...] | None = None
    values: Mapping[str, str] | None = None
    is_template: bool = True


def read_fleet_file(path: Path) -> tuple[FleetEntry, ...]:
    """Return the servers in the order of the file; raises `UsageError` that names what is wrong, and in which table."""
    try:
        document: _Table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"the servers in {path} cannot be read", details=str(error), remedy="Name a TOML file."
        ) from error
    defaults, tables = document.pop("defaults", {}), document.pop("server", None)
    if document:
        raise _wrong(path, f"the key {_first(document)} is unknown: there are [defaults] and [[server]]")
    if not isinstance(tables, list) or not tables:
        raise _wrong(path, "it has no [[server]]")
    shared = _judge(path, "[defaults]", defaults, _KEYS - _ONLY_A_SERVER_S)
    entries = tuple(_read_server(path, number, table, shared) for number, table in enumerate(tables, 1))
    twice = {entry.name for entry in entries if sum(other.name == entry.name for other in entries) > 1}
    if twice:
        raise _wrong(path, f"it names {sorted(twice)[0]} more than once")
    return entries


def _read_server(path: Path, number: int, table: object, shared: _Table) -> FleetEntry:
    where = f"[[server]] {number}"
    own = _judge(path, where, table, _KEYS | _ONLY_A_SERVER_S)
    name = own.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise _wrong(path, f"{where} has no name")
    server_route(name)
    merged = {**shared, **own}
    for key in _TABLES:
        merged[key] = {**_texts(shared.get(key)), **_texts(own.get(key))}
    return FleetEntry(
        name=name,
        hostname=_text(merged, "hostname"),
        user_data=_file(path, merged, "user-data"),
        ssh_key=_file(path, merged, "ssh-key"),
        boot=_boot(path, f"{where} ({name})", merged),
        loader_path=_text(merged, "efi-bootloader-path"),
        disk_group_id=_number(merged, "disk-group"),
        ssh_address=_text(merged, "ssh-address"),
        metadata=tuple(_texts(merged["metadata"]).items()) or None,
        values=_values(path, f"{where} ({name})", merged),
        is_template=merged.get("template") is not False,
    )


def _judge(path: Path, where: str, table: object, known: frozenset[str]) -> _Table:
    """Return the table if it has known keys alone, each with a value of its kind."""
    if not isinstance(table, dict):
        raise _wrong(path, f"{where} is no table")
    for key, value in table.items():
        if key not in known:
            raise _wrong(path, f"{where} has the unknown key {key!r}")
        if not _is_of_its_kind(key, value):
            raise _wrong(path, f"{where} has a {key} that is {_kind(key)}")
    return dict(table)


def _is_of_its_kind(key: str, value: object) -> bool:
    if key in _SWITCHES:
        return isinstance(value, bool)
    if key in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if key in _TABLES:
        return isinstance(value, dict) and all(_is_scalar(each) for each in value.values())
    return isinstance(value, str)


def _kind(key: str) -> str:
    if key in _SWITCHES:
        return "neither true nor false"
    if key in _NUMBERS:
        return "no number"
    return "no table of texts and numbers" if key in _TABLES else "no text"


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _values(path: Path, where: str, merged: _Table) -> dict[str, str]:
    own = {key: str(value) for key, value in merged.items() if key != "template" and _is_scalar(value)}
    more = _texts(merged["values"])
    if both := sorted((own.keys() | _KEYS | _ONLY_A_SERVER_S) & more.keys()):
        raise _wrong(path, f"{where} has a value called {both[0]!r}, which is a key of its own")
    return {**own, **more}


def _boot(path: Path, where: str, merged: _Table) -> BootMode | None:
    word = _text(merged, "boot")
    if word is None:
        return None
    if word not in {mode.value for mode in BootMode}:
        raise _wrong(path, f"{where} has the boot {word!r}, which is neither uefi nor legacy")
    return BootMode(word)


def _texts(table: object) -> dict[str, str]:
    return {key: str(value) for key, value in table.items()} if isinstance(table, dict) else {}


def _text(table: _Table, key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) else None


def _number(table: _Table, key: str) -> int | None:
    value = table.get(key)
    return value if isinstance(value, int) else None


def _file(path: Path, table: _Table, key: str) -> Path | None:
    value = _text(table, key)
    return path.parent / value if value else None


def _first(table: _Table) -> str:
    return repr(next(iter(table)))


def _wrong(path: Path, problem: str) -> UsageError:
    return UsageError(f"the servers in {path} are not described well", details=problem, remedy=_REMEDY)
