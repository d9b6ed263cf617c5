"""What the stages have made so far, one value of each type."""

from __future__ import annotations

from typing import TypeVar

Product = TypeVar("Product")


class Products:
    """Values by their type; a stage gets what stages before it have put."""

    def __init__(self) -> None:
        self._values: dict[type, object] = {}

    def put(self, value: object) -> None:
        """Keep a value under its own type, in place of an earlier one."""
        self._values[type(value)] = value

    def get(self, kind: type[Product]) -> Product:
        """Return the value of that type; `KeyError` means that the stages are in the wrong order."""
        value = self._values[kind]
        assert isinstance(value, kind)  # noqa: S101 - for the type checker: put() keeps values under their own type
        return value

    def has(self, kind: type) -> bool:
        """Whether a stage has put a value of that type."""
        return kind in self._values
