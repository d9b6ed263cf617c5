"""Keeps a process within the requests that one consumer key may send: waits where the next would be one too many.

OVHcloud publishes no limit; one of its engineers calls 60 a minute by consumer key fair (python-ovh#81).
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque

from byoi_tools.tools.clock import Clock

MOST_REQUESTS = 60
WINDOW_SECONDS = 60.0
_LONGEST_NAP_SECONDS = 1.0
_Ticket = tuple[bool, int]


class RequestLimit:
    """Shared by all that use one consumer key, whatever the server; any thread may wait.

    Whoever came first goes first, so that many watchers take turns; what changes something goes before what asks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: deque[float] = deque(maxlen=MOST_REQUESTS)
        self._waiting: list[_Ticket] = []
        self._numbers = itertools.count()
        self._turn = threading.Condition()
        self._has_sleeper = False
        self._is_closed = False

    def wait(self, method: str = "GET") -> None:
        """Return when a request may be sent, which counts as sent then: never more than 60 in any minute.

        Raises `KeyboardInterrupt` for a GET once `close` was called; what changes something is let through.
        """
        is_question = method == "GET"
        with self._turn:
            ticket = (is_question, next(self._numbers))
            heapq.heappush(self._waiting, ticket)
            try:
                while not self._may_go(ticket):
                    if is_question and self._is_closed:
                        raise KeyboardInterrupt
                self._sent.append(self._clock.monotonic())
            finally:
                self._waiting.remove(ticket)
                heapq.heapify(self._waiting)
                self._turn.notify_all()

    def close(self) -> None:
        """Ask no more: whoever waits with a question, or comes with one, is interrupted."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()

    def _may_go(self, ticket: _Ticket) -> bool:
        """Whether it is this one's turn; else return when something may have changed. One sleeps, the others wait."""
        if self._is_closed and ticket[0]:
            return False
        too_early = self._seconds_too_early()
        if self._waiting[0] == ticket and too_early <= 0:
            return True
        if self._has_sleeper or too_early <= 0:
            self._turn.wait()
        else:
            self._nap(min(too_early, _LONGEST_NAP_SECONDS))
        return False

    def _seconds_too_early(self) -> float:
        if len(self._sent) < MOST_REQUESTS:
            return 0.0
        return self._sent[0] + WINDOW_SECONDS - self._clock.monotonic()

    def _nap(self, seconds: float) -> None:
        """Sleep without the lock, so that others can come, or close."""
        self._has_sleeper = True
        self._turn.release()
        try:
            self._clock.sleep(seconds)
        finally:
            self._turn.acquire()
            self._has_sleeper = False
            self._turn.notify_all()
