"""Classes of ours do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One of ours."""

    number: object
    password: object = dataclasses.field(default="", repr=False)
    seen: object = dataclasses.field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Without fields."""


@dataclass(frozen=True, slots=True)
class Longer(Part):
    """Inherits from one of ours."""

    more: object = None


@dataclass(frozen=True, slots=True)
class Folded:
    """Has methods of its own."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return "folded"


class _Filling:
    """Fields with factories, one that is no argument, and a step after them: to be made a class of, here and there."""

    first: int
    more: list[int] = dataclasses.field(default_factory=list)
    sum: int = dataclasses.field(init=False)
    unit: str = dataclasses.field(default="B", init=False)
    seen: list[str] = dataclasses.field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sum", self.first + sum(self.more))


def _filled(decorated: Any) -> type[Any]:
    made: type[Any] = decorated(type("Filled", (), dict(vars(_Filling))))
    return made


def _standard(ours: type[Any], *bases: type[Any]) -> type[Any]:
    """What the standard library makes of the same fields, under the same name."""
    inherited = {name for base in bases for name in base.__dataclass_fields__}
    wanted = [
        (each.name, each.type, dataclasses.field(default=each.default, repr=each.repr, compare=each.compare))
        for each in dataclasses.fields(ours)
        if each.name not in inherited
    ]
    return dataclasses.make_dataclass(ours.__name__, wanted, bases=bases, frozen=True, slots=True)


_THEIR_PART = _standard(Part)
_PAIRS = ((Part, _THEIR_PART), (Nothing, _standard(Nothing)), (Longer, _standard(Longer, _THEIR_PART)))

_NAN = float("nan")
_CONTENT = st.one_of(
    st.integers(-1, 1), st.booleans(), st.text(max_size=1), st.just(1.0), st.just(_NAN), st.builds(lambda: float("nan"))
)


@st.composite
def _two_of_each(draw: st.DrawFn) -> tuple[Any, Any, Any, Any]:
    """Two instances of ours, and two with the same contents of the standard library's."""
    first, second = draw(st.sampled_from(_PAIRS)), draw(st.sampled_from(_PAIRS))
    contents = [draw(st.lists(_CONTENT, min_size=n, max_size=n)) for n in map(_count, (first[0], second[0]))]
    return first[0](*contents[0]), second[0](*contents[1]), first[1](*contents[0]), second[1](*contents[1])


def _count(kind: type[Any]) -> int:
    return len(dataclasses.fields(kind))


@given(_two_of_each())
def test_what_is_equal_there_is_equal_here(both: tuple[Any, Any, Any, Any]) -> None:
    left, right, their_left, their_right = both
    assert (left == right) is (their_left == their_right)
    assert (left != right) is (their_left != their_right)
    assert left.__eq__(object()) is NotImplemented
    assert (hash(left), hash(right)) == (hash(their_left), hash(their_right))


@given(_two_of_each())
def test_what_is_shown_there_is_shown_here(both: tuple[Any, Any, Any, Any]) -> None:
    left, _, their_left, _ = both
    assert repr(left) == repr(their_left).replace("Types.", "")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])  # noqa: S301 - our own
def test_copies_are_equal(copied: Any) -> None:
    assert copied(Longer(1, "hunter2", (2,), 3)) == Longer(1, "hunter2", (), 3)
    assert copied(Longer(1, "hunter2", (2,), 3)).seen == (2,)


def test_a_secret_field_is_not_shown() -> None:
    assert repr(Longer(1, "hunter2")) == "Longer(number=1, seen=(), more=None)"


def test_one_that_contains_itself_is_shown() -> None:
    inside: list[object] = []
    part = Part(inside)
    inside.append(part)
    assert repr(part) == "Part(number=[...], seen=())"


@pytest.mark.parametrize("kind", [Part, Longer, Folded])
@pytest.mark.parametrize("name", ["number", "text", "another"])
def test_nothing_can_be_set_or_added(kind: type[Any], name: str) -> None:
    part = kind(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(part, name, 2)
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(part, name)
    assert not hasattr(part, "__dict__")


@pytest.mark.parametrize(("arguments", "named"), [((1,), {}), ((1, [2]), {}), ((), {"more": [3], "first": 4})])
def test_fields_are_filled_as_there(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours = _filled(dataclass(frozen=True, slots=True))(*arguments, **named)
    theirs = _filled(dataclasses.dataclass(frozen=True, slots=True))(*arguments, **named)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs)


def test_each_instance_has_lists_of_its_own() -> None:
    kind = _filled(dataclass(frozen=True, slots=True))
    assert kind(1).more is not kind(1).more
    assert kind(1).seen is not kind(1).seen


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, 2, 3, 4), {}), ((1,), {"number": 2}), ((), {"x": 1})])
def test_wrong_arguments_are_told_as_there(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    for _ in range(2):  # the first instance is made in another way than the second
        with pytest.raises(TypeError) as here:
            Part(*arguments, **named)
        with pytest.raises(TypeError) as there:
            _THEIR_PART(*arguments, **named)
        assert str(here.value) == str(there.value).replace("Types.", "")


def test_a_method_init_of_its_own_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Doubled:
        number: int

        def __init__(self, half: int) -> None:
            object.__setattr__(self, "number", 2 * half)

    assert (Doubled(1).number, Doubled(2).number) == (2, 4)


def test_own_methods_are_kept() -> None:
    assert {Folded("A")} == {Folded("a")}
    assert repr(Folded("A")) == "folded"


def test_the_functions_of_the_standard_library_work() -> None:
    part = dataclasses.replace(Part(1), number=2)
    assert dataclasses.asdict(part) == {"number": 2, "password": "", "seen": ()}
    assert Part.__match_args__ == ("number", "password", "seen")


def test_ordered_classes_are_ordered_and_others_can_be_changed() -> None:
    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        number: int

    @dataclass(slots=True)
    class Changing:
        number: int

    changing = Changing(1)
    changing.number = 2
    assert (Ordered(1) < Ordered(2), changing) == (True, Changing(2))
