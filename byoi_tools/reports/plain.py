"""Turns facts into what JSON knows, by their types alone, and writes documents that no name in an image can disturb."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from byoi_tools.model.fact import Known, NotExamined

NOT_EXAMINED = "not_examined"


def to_plain(value: object) -> object:
    """Return objects, arrays, texts, numbers, booleans and null for a fact.

    A dataclass becomes an object of its fields (those that begin with `_` left out), an enum its value, a set a sorted
    array, `NotExamined` an object with the reason. Raises `TypeError` for anything else, bytes first of all: what a
    guest's files hold is no fact.
    """
    if value is None or isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Known):
        return to_plain(value.value)
    if isinstance(value, NotExamined):
        return {NOT_EXAMINED: value.reason}
    return _to_plain_composed(value)


def write_json(document: object) -> str:
    """Return the document as ASCII with a newline at the end; lone surrogates, which JSON cannot have, as `\\udcff`."""
    return json.dumps(_without_surrogates(document), indent=2) + "\n"


def shown_fields(kind: type[Any]) -> tuple[str, ...]:
    """The names of the fields of a dataclass that become members of an object."""
    return tuple(field.name for field in fields(kind) if not field.name.startswith("_"))


def _to_plain_composed(value: object) -> object:
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in shown_fields(type(value))}
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(one) for key, one in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((to_plain(one) for one in value), key=str)
    if isinstance(value, tuple | list):
        return [to_plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no place in a report")


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    return value
