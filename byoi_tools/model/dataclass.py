"""`dataclass` as the standard library has it, for frozen classes: what it makes of them is made in half the time.

The standard one writes and compiles six methods for each class when its module is imported. Two hundred classes of them
were a tenth of a whole `check`; here three of the six are shared by all. Nothing else differs: `fields`, `replace`,
`field(repr=False)`, `field(compare=False)`, pickling, inheritance. Other modules may use either.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

Kind = TypeVar("Kind")


def _frozen(cls: type[Kind]) -> type[Kind]:
    """What `dataclasses.dataclass(frozen=True, slots=True)` returns; methods that the class has itself are kept."""
    own = {name for name, method in vars(cls).items() if method is not None}  # an own __eq__ makes __hash__ None
    made = dataclasses.dataclass(frozen=True, slots=True, repr=False, eq=False)(cls)
    for method in (__eq__, __hash__, __repr__):
        if method.__name__ not in own:
            setattr(made, method.__name__, method)
    return made


def __eq__(self: Any, other: object) -> bool:  # noqa: N807 - a method of all the classes
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def __hash__(self: Any) -> int:  # noqa: N807 - a method of all the classes
    return hash(_compared(self))


@recursive_repr()
def __repr__(self: Any) -> str:  # noqa: N807 - a method of all the classes
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


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
