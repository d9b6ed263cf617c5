"""Facts as JSON by their types, and the schema that is derived from the same types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

import jsonschema
import pytest

from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.reports.json_schema import SchemaWriter
from byoi_tools.reports.plain import to_plain, write_json


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf."""

    colour: Colour
    sizes: tuple[int, ...]
    _hidden: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree; it may hold others."""

    leaf: Fact[Leaf]
    names: frozenset[str]
    by_name: Mapping[str, Leaf]
    pair: tuple[str, int]
    below: Tree | None
    planted: date | None


LEAF = Leaf(Colour.RED, (1, 2))
TREE = Tree(Known(LEAF), frozenset(("b", "a")), {"x": LEAF}, ("y", 3), None, date(2026, 1, 31))


def test_a_dataclass_becomes_an_object() -> None:
    leaf = {"colour": "red", "sizes": [1, 2]}
    assert to_plain(TREE) == {
        "leaf": leaf,
        "names": ["a", "b"],
        "by_name": {"x": leaf},
        "pair": ["y", 3],
        "below": None,
        "planted": "2026-01-31",
    }


def test_what_nobody_looked_at_has_its_reason() -> None:
    assert to_plain(NotExamined("no key")) == {"not_examined": "no key"}


@pytest.mark.parametrize("value", [b"secret", object(), (1, b"x"), 1j])
def test_bytes_and_other_things_have_no_place(value: object) -> None:
    with pytest.raises(TypeError):
        to_plain(value)


@pytest.mark.parametrize("kind", [bytes, tuple[bytes, ...], object])
def test_nor_in_a_schema(kind: object) -> None:
    with pytest.raises(TypeError):
        SchemaWriter().schema_of(kind)


def schema_of(kind: object) -> dict[str, object]:
    writer = SchemaWriter()
    return {**writer.schema_of(kind), "$defs": writer.definitions}


@pytest.mark.parametrize("tree", [TREE, Tree(NotExamined("x"), frozenset(), {}, ("", 0), TREE, None)])
def test_the_schema_accepts_what_is_written(tree: Tree) -> None:
    jsonschema.Draft202012Validator(schema_of(Tree)).validate(to_plain(tree))


@pytest.mark.parametrize(
    "broken",
    [
        {"leaf": {"colour": "blue", "sizes": []}},
        {"leaf": {"not_examined": 7}},
        {"leaf": None},
        {"names": ["a", 1]},
        {"by_name": {"x": "leaf"}},
        {"pair": ["y"]},
        {"below": {}},
        {"planted": 7},
    ],
)
def test_the_schema_refuses_another_thing(broken: dict[str, object]) -> None:
    document = to_plain(TREE)
    assert isinstance(document, dict)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of(Tree)).validate({**document, **broken})


def test_a_member_that_is_missing_is_refused() -> None:
    document = to_plain(TREE)
    assert isinstance(document, dict)
    del document["names"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema_of(Tree)).validate(document)


def test_json_is_ascii_and_has_no_lone_surrogate() -> None:
    written = write_json({"na\udcffme": ["\x1b[2J", "\u202e", "é", "\ud800", "\U0001f600"]})
    assert written.isascii()
    assert "\x1b" not in written
    assert json.loads(written) == {"na\\udcffme": ["\x1b[2J", "\u202e", "é", "\\ud800", "\U0001f600"]}
