"""Fields of the API's JSON answers, as typed values; what is null, missing or of another type is None or empty."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from byoi_tools.tools.ovh.api import Json, clean

Member = TypeVar("Member", bound=Enum)


def read_field(answer: Json, name: str) -> Json:
    """The field of an object; None where there is no object or no such field."""
    return answer.get(name) if isinstance(answer, dict) else None


def read_text(answer: Json, name: str) -> str:
    """A text, fit to be shown."""
    value = read_field(answer, name)
    return clean(value) if isinstance(value, str) else ""


def read_integer(answer: Json, name: str) -> int | None:
    """A whole number; JSON's true and false are none."""
    return as_integer(read_field(answer, name))


def as_integer(value: Json) -> int | None:
    """The value, if it is a whole number; JSON's true and false are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_member(answer: Json, name: str, members: type[Member]) -> Member | None:
    """The member of an enum whose value is the field's."""
    value = read_field(answer, name)
    return next((member for member in members if member.value == value), None)
