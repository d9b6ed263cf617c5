"""`dataclass` as the standard library has it, for frozen classes: what it makes is made in a quarter of the time.

The standard one writes and compiles six methods for each class when its module is imported. Two hundred classes of them
were a tenth of a whole `check`; here five of the six are shared by all, and the sixth, `__init__`, is written when the
first instance is made, which of many classes none is. Nothing else differs: `fields`, `replace`, `field(repr=False)`,
`field(compare=False)`, default factories, pickling. Other modules may use either; what inherits from one of these is
one of these, and `kw_only` is not for them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

Kind = TypeVar("Kind")


def _frozen(cls: type[Kind]) -> type[Kind]:
    """What `dataclasses.dataclass(frozen=True, slots=True)` returns; methods that the class has itself are kept."""
    own = {name for name, method in vars(cls).items() if method is not None}  # an own __eq__ makes __hash__ None
    made = dataclasses.dataclass(slots=True, init=False, repr=False, eq=False)(cls)
    for method in _SHARED:
        if method.__name__ not in own:
            setattr(made, method.__name__, method)
    if "__init__" not in own:
        _write_init_when_needed(made)
    return made


def _write_init_when_needed(cls: type[Any]) -> None:
    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - a method
        cls.__init__ = _written_init(cls)
        cls.__init__(self, *arguments, **named)

    cls.__init__ = __init__


def _written_init(cls: type[Any]) -> Callable[..., None]:
    """An `__init__` that sets every field, in their order, then calls `__post_init__` where there is one."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING}
    parameters, lines = ["self"], ["pass"]
    for each in dataclasses.fields(cls):
        if each.kw_only:
            raise TypeError(f"{cls.__qualname__}.{each.name} is for the standard library's dataclass")
        known |= {f"_default_{each.name}": each.default, f"_new_{each.name}": each.default_factory}
        value = each.name if each.init else f"_default_{each.name}"
        is_made = each.default_factory is not dataclasses.MISSING
        has_default = is_made or each.default is not dataclasses.MISSING
        if each.init:
            parameters.append(f"{each.name}=_default_{each.name}" if has_default else each.name)
        if is_made:
            value = f"_new_{each.name}() if {value} is _missing else {value}"
        if each.init or has_default:
            lines.append(f"_set(self, {each.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), known)  # noqa: S102 - names of our own classes
    written: Callable[..., None] = known["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: N807 - a method of all the classes
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def __delattr__(self: Any, name: str) -> None:  # noqa: N807 - a method of all the classes
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def __getstate__(self: Any) -> list[object]:  # noqa: N807 - a method of all the classes
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def __setstate__(self: Any, state: Sequence[object]) -> None:  # noqa: N807 - a method of all the classes
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - a method of all the classes
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def __hash__(self: Any) -> int:  # noqa: N807 - a method of all the classes
    return hash(_compared(self))


@recursive_repr()
def __repr__(self: Any) -> str:  # noqa: N807 - a method of all the classes
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


_SHARED = (__setattr__, __delattr__, __getstate__, __setstate__, __eq__, __hash__, __repr__)


def _compared(self: Any) -> tuple[object, ...]:
    return tuple([getattr(self, name) for name in _compared_names(self.__class__)])


@cache
def _compared_names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(cls) if each.compare)


if TYPE_CHECKING:  # for type checkers, which know what the standard one makes of a class, it is the standard one
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """Return the class, or the decorator; the standard one for what is not frozen and slotted."""
        return _frozen if options == {"frozen": True, "slots": True} else dataclasses.dataclass(cls, **options)
