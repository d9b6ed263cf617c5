"""A clock whose sleepers can be woken for good, so that a rollout leaves all its servers at once."""

from __future__ import annotations

import threading
from datetime import datetime

from byoi_tools.tools.clock import Clock

_LONGEST_NAP_SECONDS = 1.0


class DetachableClock:
    """Another clock's time; once `detach` was called every sleep ends with `KeyboardInterrupt`, in whatever thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_detached = threading.Event()

    def now(self) -> datetime:
        """Return the moment, in UTC and aware of it."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds since some moment, never going back."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds; raises `KeyboardInterrupt` a second after `detach` at the latest."""
        end = self._clock.monotonic() + seconds
        while not self._is_detached.is_set():
            left = end - self._clock.monotonic()
            if left <= 0:
                return
            self._clock.sleep(min(left, _LONGEST_NAP_SECONDS))
        raise KeyboardInterrupt

    def detach(self) -> None:
        """Wake every sleeper."""
        self._is_detached.set()
