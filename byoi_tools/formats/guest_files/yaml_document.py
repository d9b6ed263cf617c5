"""Reads one YAML 1.1 document (yaml.org/spec/1.1, as PyYAML resolves it) into plain values, with caps on everything.

PyYAML's own constructors would follow merge keys without bound and overwrite repeated keys in silence; only its scanner
and its table of plain scalars are used.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from byoi_tools.errors import ImageMalformed
from byoi_tools.model.dataclass import dataclass

YamlValue = None | bool | int | float | str | list["YamlValue"] | dict[str, "YamlValue"]

LIMIT_CHARACTERS = 512 * 1024
_LIMIT_EVENTS = 100_000
_LIMIT_DEPTH = 64
_LIMIT_VALUES = 200_000  # counted with every alias written out
_LIMIT_TYPED_SCALAR = 256
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TYPED = {"tag:yaml.org,2002:" + name for name in ("null", "bool", "int", "float")}
_PLAIN = {"tag:yaml.org,2002:" + name for name in ("str", "timestamp", "binary", "python/unicode")}
_REMEDY = "Correct the YAML; `yamllint FILE` shows the place."


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The value of the document, and the keys that one mapping has twice, each as `key (line 3)`.

    Keys are texts: numbers and booleans as they are written. Timestamps and binary data stay texts too.
    """

    value: YamlValue
    repeated_keys: tuple[str, ...]


def read_yaml(text: str) -> YamlDocument:
    """Return the first document of a text; an empty text is `None`.

    Raises `ImageMalformed` with the line for what is no YAML, has tags that a safe loader refuses, or is larger or
    deeper than any configuration (512 Ki characters, 64 levels, 200,000 values with its aliases written out).
    """
    if len(text) > LIMIT_CHARACTERS:
        raise _malformed(f"it has more than {LIMIT_CHARACTERS} characters")
    builder = _Builder(_events(text))
    try:
        return builder.document()
    except yaml.YAMLError as error:
        raise _malformed(_explain(error)) from None


def _events(text: str) -> Iterator[yaml.Event]:
    for count, event in enumerate(yaml.parse(text, _LOADER)):
        if count > _LIMIT_EVENTS:
            raise _malformed(f"it has more than {_LIMIT_EVENTS} values")
        yield event


class _Builder:
    """Composes values out of events; recursive, at most `_LIMIT_DEPTH` deep."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[YamlValue, int]] = {}
        self._repeated: list[str] = []
        self._resolve: Callable[..., object] = Resolver().resolve
        self._values = 0

    def document(self) -> YamlDocument:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                value, _ = self._value(next(self._events), 0)
                for rest in self._events:  # what follows must be YAML, and no second document
                    if isinstance(rest, yaml.DocumentStartEvent):
                        raise _malformed(f"{_line(rest)}: a second document starts")
                return YamlDocument(value, tuple(self._repeated))
        return YamlDocument(None, ())

    def _value(self, event: yaml.Event, depth: int) -> tuple[YamlValue, int]:
        """The value that starts with an event, and how many values it holds."""
        if depth > _LIMIT_DEPTH:
            raise _malformed(f"{_line(event)}: more than {_LIMIT_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            value, size = self._anchors.get(name, (None, -1))
            if size < 0:
                raise _malformed(f"{_line(event)}: the alias {name[:40]!r} has no anchor before it")
            self._count(event, size)
            return value, size
        self._count(event, 1)
        value, size = self._node(event, depth)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = (value, size)
        return value, size

    def _node(self, event: yaml.Event, depth: int) -> tuple[YamlValue, int]:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), 1
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.SequenceStartEvent) and tag in (None, "!", "tag:yaml.org,2002:seq"):
            return self._sequence(depth)
        if isinstance(event, yaml.MappingStartEvent) and tag in (None, "!", "tag:yaml.org,2002:map"):
            return self._mapping(depth)
        raise _malformed(f"{_line(event)}: the tag {str(tag)[:60]!r} is not known")

    def _sequence(self, depth: int) -> tuple[YamlValue, int]:
        values: list[YamlValue] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, below = self._value(event, depth + 1)
            values.append(value)
            size += below
        return values, size

    def _mapping(self, depth: int) -> tuple[YamlValue, int]:
        values: dict[str, YamlValue] = {}
        merged: list[YamlValue] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _malformed(f"{_line(event)}: a key that is no text")
            key = event.value
            value, below = self._value(next(self._events), depth + 1)
            size += 1 + below
            if key == "<<" and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
                continue
            if key in values:
                self._repeated.append(f"{key[:60]} ({_line(event)})")
            values[key] = value
        for other in merged:
            if not isinstance(other, dict):
                raise _malformed("`<<` merges something that is no mapping")
            self._values += len(other)
            values = {**other, **values}
        self._count(event, 0)
        return values, size + sum(len(other) for other in merged if isinstance(other, dict))

    def _scalar(self, event: yaml.ScalarEvent) -> YamlValue:
        tag = event.tag
        if tag is None or tag == "!":
            tag = str(self._resolve(yaml.ScalarNode, event.value[:_LIMIT_TYPED_SCALAR], event.implicit))
        if tag in _TYPED and len(event.value) <= _LIMIT_TYPED_SCALAR:
            return _typed(event, tag)
        if tag in _TYPED or tag in _PLAIN:
            return event.value
        raise _malformed(f"{_line(event)}: the tag {tag[:60]!r} is not known")

    def _count(self, event: yaml.Event, size: int) -> None:
        self._values += size
        if self._values > _LIMIT_VALUES:
            raise _malformed(f"{_line(event)}: aliases repeat more than {_LIMIT_VALUES} values")


def _typed(event: yaml.ScalarEvent, tag: str) -> YamlValue:
    node = yaml.ScalarNode(tag, event.value)
    constructor = SafeConstructor()
    try:
        value: Hashable = constructor.construct_object(node)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise _malformed(f"{_line(event)}: {event.value[:40]!r} is no {tag.rpartition(':')[2]} ({error})") from None
    return value if isinstance(value, bool | int | float) else None


def _line(event: yaml.Event) -> str:
    mark = event.start_mark
    return f"line {mark.line + 1}" if mark is not None else "somewhere"


def _explain(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML"
    if mark is None:
        return str(problem)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _malformed(details: str) -> ImageMalformed:
    return ImageMalformed("a text is no YAML that could be read", details=details, remedy=_REMEDY)
