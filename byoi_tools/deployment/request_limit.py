"""Keeps a process within the requests that one consumer key may send: waits where the next would be one too many.

OVHcloud publishes no limit; one of its engineers calls 60 a minute by consumer key fair (python-ovh#81).
"""

from __future__ import annotations

import threading
from collections import deque

from byoi_tools.tools.clock import Clock

MOST_REQUESTS = 60
WINDOW_SECONDS = 60.0


class RequestLimit:
    """Shared by all that use one consumer key, whatever the server; any thread may wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=MOST_REQUESTS)
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when a request may be sent, which counts as sent then: never more than 60 in any minute."""
        with self._lock:
            if len(self._sent) == MOST_REQUESTS:
                too_early = self._sent[0] + WINDOW_SECONDS - self._clock.monotonic()
                if too_early > 0:
                    self._clock.sleep(too_early)
            self._sent.append(self._clock.monotonic())
