"""The door to time: what day it is, how long something took, and waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the stages see it, so that a test can hold it still."""

    def now(self) -> datetime:
        """Return the moment, in UTC and aware of it."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back: only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the moment, in UTC and aware of it."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)
