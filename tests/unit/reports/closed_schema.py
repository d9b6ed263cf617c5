"""Makes a published schema strict, so that a member which it forgot is found."""

from __future__ import annotations

from typing import Any


def closed(schema: Any) -> Any:
    """The schema without room for members that it does not name: published ones leave room, so that v1 can grow."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    more = {} if "additionalProperties" in schema or "properties" not in schema else {"additionalProperties": False}
    return {key: closed(value) for key, value in schema.items()} | more
