"""Derives JSON Schema (draft 2020-12) from types, by the same rules by which `plain` turns their values into JSON."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.reports.plain import NOT_EXAMINED, shown_fields

Schema = dict[str, object]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
_UNKNOWN: Schema = {
    "type": "object",
    "description": "Nobody looked, or it could not be read, and why.",
    "properties": {NOT_EXAMINED: {"type": "string"}},
    "required": [NOT_EXAMINED],
}


class SchemaWriter:
    """Makes schemas of types; those of dataclasses are collected in `definitions`, by the names of the classes."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def schema_of(self, kind: Any) -> Schema:
        """Return the schema of a type as annotations have it; raises `TypeError` for what `to_plain` does not take."""
        if kind in _SIMPLE:
            return {"type": _SIMPLE[kind]}
        if kind is NotExamined:
            return self._refer("NotExamined", _UNKNOWN)
        if kind in (date, datetime):
            return {"type": "string", "format": "date" if kind is date else "date-time"}
        origin, arguments = get_origin(kind) or kind, get_args(kind)
        if origin in (Union, types.UnionType):
            return _any_of([self.schema_of(one) for one in arguments])
        if origin is Known:
            return self.schema_of(arguments[0])
        if origin in (tuple, list, frozenset, set):
            return self._array(arguments)
        if origin in (Mapping, dict):
            return {"type": "object", "additionalProperties": self.schema_of(arguments[1])}
        return self._class(origin)

    def _array(self, arguments: tuple[Any, ...]) -> Schema:
        if len(arguments) == 1 or (len(arguments) == 2 and arguments[1] is ...):
            return {"type": "array", "items": self.schema_of(arguments[0])}
        items = [self.schema_of(one) for one in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _class(self, kind: Any) -> Schema:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if isinstance(kind, type) and is_dataclass(kind):
            return self._object(kind)
        raise TypeError(f"{kind} has no place in a report")

    def _object(self, kind: type[Any]) -> Schema:
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # a class may contain itself
            hints = get_type_hints(kind)
            shown = shown_fields(kind)
            self.definitions[name] = {
                "type": "object",
                "description": (inspect.getdoc(kind) or "").partition("\n")[0],
                "properties": {field: self.schema_of(hints[field]) for field in shown},
                "required": list(shown),
            }
        return {"$ref": f"#/$defs/{name}"}

    def _refer(self, name: str, schema: Schema) -> Schema:
        self.definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}


def _any_of(schemas: list[Schema]) -> Schema:
    unique = [one for number, one in enumerate(schemas) if one not in schemas[:number]]
    return unique[0] if len(unique) == 1 else {"anyOf": unique}
