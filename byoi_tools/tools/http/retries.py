"""Sends requests again whose failure may pass: 5xx, timeouts, broken connections."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from byoi_tools.tools.clock import Clock
from byoi_tools.tools.http.ranges import RangeFailed

Answer = TypeVar("Answer")

_PAUSES_SECONDS = (0.1, 0.5, 2.0)  # the first is for a kept connection that the server has closed meanwhile
_JITTER = 0.5


def with_retries(attempt: Callable[[], Answer], clock: Clock) -> Answer:
    """Return what `attempt` returns; after a `RangeFailed` that may pass it is called again, three times in seconds."""
    for pause in _PAUSES_SECONDS:
        try:
            return attempt()
        except RangeFailed as failed:
            if not failed.is_passing:
                raise
        clock.sleep(pause * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - not for secrets
    return attempt()
