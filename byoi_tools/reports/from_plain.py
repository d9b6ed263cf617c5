"""Reads values back from JSON by their types alone: the other direction of `plain`, for documents that people edit."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.quoting import quote
from byoi_tools.reports.plain import NOT_EXAMINED, shown_fields

_NAMES: dict[object, str] = {str: "a text", int: "a whole number that is not negative", bool: "true or false"}


class WrongMember(ValueError):
    """A member of a document is not what it should be; `where` is its path, `expected` what belongs there."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(f"{where}: {expected}")
        self.where = where
        self.expected = expected


def from_plain(kind: Any, value: object, where: str = "") -> Any:
    """Return the value of a type (texts, whole numbers, enums, dataclasses, facts, arrays, mappings of them).

    Raises `WrongMember` for anything that is not it: a member that is missing or unknown, another type.
    """
    if kind in _NAMES:
        if type(value) is not kind or (isinstance(value, int) and value < 0):
            raise WrongMember(where, f"{_NAMES[kind]} is expected")
        return value
    if kind is datetime:
        return _moment(value, where)
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where)
    if origin is Known:
        return Known(from_plain(arguments[0], value, where))
    if origin in (tuple, frozenset):
        return origin(_items(arguments[0], value, where))
    if origin is Mapping:
        return _mapping(arguments, value, where)
    if issubclass(origin, Enum):
        return _member(origin, value, where)
    if not is_dataclass(origin):
        raise TypeError(f"{kind} cannot be read")
    return _object(kind, value, where)


def _moment(value: object, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise WrongMember(where, "a time as 2026-11-22T12:00:00+00:00 is expected")
    return moment


def _one_of(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    """A value or null, a fact or the reason why it is not known, one dataclass or another."""
    if value is None and types.NoneType in kinds:
        return None
    if NotExamined in kinds and isinstance(value, dict) and set(value) == {NOT_EXAMINED}:
        return NotExamined(from_plain(str, value[NOT_EXAMINED], f"{where}.{NOT_EXAMINED}"))
    rest = [kind for kind in kinds if kind not in (types.NoneType, NotExamined)]
    return from_plain(rest[0] if len(rest) == 1 else _closest(rest, value), value, where)


def _closest(kinds: list[Any], value: object) -> Any:
    """Of several dataclasses the one whose members are there, so that an error names what is wrong with that one."""
    names = set(value) if isinstance(value, dict) else set()
    return max(kinds, key=lambda kind: len(names & set(shown_fields(kind))))


def _items(kind: Any, value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise WrongMember(where, "an array is expected")
    return [from_plain(kind, one, f"{where}[{number}]") for number, one in enumerate(value)]


def _mapping(kinds: tuple[Any, ...], value: object, where: str) -> dict[Any, Any]:
    members = _members(value, where)
    return {
        from_plain(kinds[0], name, where): from_plain(kinds[1], one, f"{where}.{name}") for name, one in members.items()
    }


def _member(kind: type[Enum], value: object, where: str) -> Enum:
    found = next((member for member in kind if member.value == value and type(member.value) is type(value)), None)
    if found is None:
        raise WrongMember(where, f"one of {', '.join(str(member.value) for member in kind)} is expected")
    return found


def _object(kind: type[Any], value: object, where: str) -> Any:
    members, names, prefix = _members(value, where), shown_fields(kind), f"{where}." if where else ""
    for name in names:
        if name not in members:
            raise WrongMember(f"{prefix}{name}", "it is missing")
    for name in members:
        if name not in names:
            raise WrongMember(f"{prefix}{quote(name)}", "this version does not know it")
    hints = get_type_hints(kind)
    read = {name: from_plain(hints[name], members[name], f"{prefix}{name}") for name in names}
    try:
        return kind(**read)
    except ValueError as wrong:
        raise WrongMember(where, str(wrong)) from wrong


def _members(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise WrongMember(where or "the document", "an object is expected")
    return value
