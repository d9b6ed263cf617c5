"""Sends requests to the store again when their failure may pass: busy, broken connections, damaged on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.failures import StoreFailure

_PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0)  # a load balancer that is restarted is away for less
_NAP_SECONDS = 0.5

Answer = TypeVar("Answer")


class Retries:
    """Tries for about 40 seconds, besides what the requests take; `is_over` ends that early."""

    def __init__(self, clock: Clock, is_over: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock
        self._is_over = is_over

    def run(self, request: Callable[[], Answer]) -> Answer:
        """Return what the request returns; raises its last `StoreFailure`, or the first that will not pass."""
        for pause in _PAUSES_SECONDS:
            try:
                return request()
            except StoreFailure as failure:
                if not failure.may_pass or self._is_over():
                    raise
            self._wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - many clients must not come at once
        return request()

    def _wait(self, seconds: float) -> None:
        while seconds > 0 and not self._is_over():
            self._clock.sleep(min(seconds, _NAP_SECONDS))
            seconds -= _NAP_SECONDS
