"""The pieces that published JSON Schemas are written with."""

from __future__ import annotations

from enum import Enum

from byoi_tools.reports.json_schema import DRAFT, Schema

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES_NO: Schema = {"type": "boolean"}
NOTHING: Schema = {"type": "null"}
MOMENT: Schema = {"type": "string", "format": "date-time"}


def document(title: str, members: dict[str, Schema], definitions: dict[str, Schema] | None = None) -> Schema:
    """A whole schema: an object, and what it refers to."""
    head: Schema = {"$schema": DRAFT, "title": title, **object_of(members)}
    return head if definitions is None else {**head, "$defs": definitions}


def object_of(members: dict[str, Schema]) -> Schema:
    """An object that has all of these members, and may have others."""
    return {"type": "object", "properties": members, "required": list(members)}


def array_of(items: Schema) -> Schema:
    """An array of any length."""
    return {"type": "array", "items": items}


def any_of(*schemas: Schema) -> Schema:
    """One of these."""
    return {"anyOf": list(schemas)}


def enum_of(kind: type[Enum]) -> Schema:
    """The value of a member of the enum."""
    return {"enum": [member.value for member in kind]}
