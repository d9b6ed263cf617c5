"""Flags that belong together, as one parameter of a verb: a dataclass whose fields are flags, or such groups again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, TypeVar, get_type_hints

Returned = TypeVar("Returned")


def with_groups(verb: Callable[..., Returned]) -> Callable[..., Returned]:
    """Return the verb as typer is to see it: in place of each group stand the flags of that group, in their order."""
    kinds = get_type_hints(verb, include_extras=True)
    flags: list[Parameter] = []
    for name, parameter in signature(verb).parameters.items():
        flags += _flags_of(kinds[name]) if _is_group(kinds[name]) else [_flag(name, kinds[name], parameter.default)]

    @wraps(verb)
    def run(**given: Any) -> Returned:
        return verb(**{name: _value(name, kinds[name], given) for name in signature(verb).parameters})

    run.__signature__ = Signature(flags)  # type: ignore[attr-defined]  # inspect reads it, and typer asks inspect
    return run


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _flags_of(group: type) -> list[Parameter]:
    kinds = get_type_hints(group, include_extras=True)
    flags: list[Parameter] = []
    for each in fields(group):
        kind = kinds[each.name]
        default = Parameter.empty if each.default is MISSING else each.default
        flags += _flags_of(kind) if _is_group(kind) else [_flag(each.name, kind, default)]
    return flags


def _flag(name: str, kind: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _value(name: str, kind: Any, given: Mapping[str, Any]) -> Any:
    if not _is_group(kind):
        return given[name]
    kinds = get_type_hints(kind, include_extras=True)
    return kind(**{each.name: _value(each.name, kinds[each.name], given) for each in fields(kind)})
