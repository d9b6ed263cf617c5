"""A fact that is known, or the reason why nobody looked: absence is a value, ignorance is not."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

from byoi_tools.model.dataclass import dataclass

Value = TypeVar("Value", covariant=True)


class NotKnownError(Exception):
    """Raised when a value is asked of a fact that was not examined; the check runner turns it into a skip."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnfinishedError(Exception):
    """Raised when a fact is missing because its reader failed; the check runner turns it into an errored outcome."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """A fact that was examined; `None` and empty values mean that the thing is absent."""

    value: Value

    def known(self) -> Value:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class NotExamined:
    """A fact that nobody looked at, or could not read, and why."""

    reason: str

    def known(self) -> NoReturn:
        """Raise `NotKnownError` with the reason."""
        raise NotKnownError(self.reason)


@dataclass(frozen=True, slots=True)
class Broken(NotExamined):
    """A fact whose reader has a defect: checks that need it fail closed."""

    def known(self) -> NoReturn:
        """Raise `UnfinishedError` with the reason."""
        raise UnfinishedError(self.reason, "Please report this; checks that need what was to be read fail until then.")


Fact = Known[Value] | NotExamined
