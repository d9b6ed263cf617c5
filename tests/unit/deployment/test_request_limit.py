"""Never more than 60 requests in any minute, whoever sends them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from byoi_tools.deployment.request_limit import RequestLimit
from byoi_tools.deployment.tasks import list_reinstallations
from byoi_tools.tools.ovh.api import OvhApi
from tests.clock import FakeClock
from tests.scripted_api import Answer, ScriptedApi, configure


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(start <= moment < start + 60 for moment in times) for start in times)


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.9, 1.1])
def test_no_minute_has_more_than_sixty(pause: float) -> None:
    clock = FakeClock()
    limit, times = RequestLimit(clock), list[float]()
    for _ in range(200):
        limit.wait()
        times.append(clock.monotonic())
        clock.sleep(pause)
    assert most_in_a_minute(times) <= 60
    assert times[59] == pytest.approx(59 * pause)  # the first sixty wait for nothing


def test_it_waits_no_longer_than_it_must() -> None:
    clock = FakeClock()
    limit = RequestLimit(clock)
    for _ in range(181):
        limit.wait()
    assert clock.monotonic() == 180


def test_threads_share_it() -> None:
    class RealClock(FakeClock):
        """A minute lasts 0.3 s."""

        def monotonic(self) -> float:
            return time.monotonic() * 200

        def sleep(self, seconds: float) -> None:
            time.sleep(seconds / 200)

    clock, times = RealClock(), list[float]()
    limit = RequestLimit(clock)

    def ask() -> None:
        for _ in range(40):
            limit.wait()
            times.append(clock.monotonic())

    began = clock.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 160
    assert max(times) - began >= 120


def test_every_request_of_the_door_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    with ScriptedApi({f"GET /dedicated/server/ns{number}/task": Answer([]) for number in range(3)}) as scripted:
        configure(monkeypatch, scripted.url)
        api = OvhApi.from_configuration(RequestLimit(clock).wait)
        for number in range(150):
            list_reinstallations(api, f"ns{number % 3}")
    assert clock.monotonic() == 120


class ActingClock(FakeClock):
    """Moves by a small part of what is asked, and does something at the first sleep."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act: Callable[[], None] | None = act
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()
        time.sleep(0.0002)
        self._seconds += min(seconds, 0.05)


def test_what_changes_something_goes_before_questions_that_came_earlier() -> None:
    order: list[str] = []
    threads: list[threading.Thread] = []

    def ask(method: str) -> None:
        limit.wait(method)
        order.append(method)
        clock.sleep(1)

    def come() -> None:
        for method in ("GET", "GET", "POST"):
            threads.append(threading.Thread(target=ask, args=(method,)))
            threads[-1].start()

    clock = ActingClock(come)
    limit = RequestLimit(clock)
    for _ in range(60):
        limit.wait()
        clock._seconds += 0.9
    ask("GET")
    for thread in threads:
        thread.join(30)
    assert sorted(order) == ["GET", "GET", "GET", "POST"]
    assert order[0] == "POST"


def test_a_closed_limit_interrupts_questions_and_lets_the_rest_through() -> None:
    clock = ActingClock(lambda: limit.close())
    limit = RequestLimit(clock)
    for _ in range(60):
        limit.wait()
    with pytest.raises(KeyboardInterrupt):
        limit.wait()
    with pytest.raises(KeyboardInterrupt):
        limit.wait("GET")
    limit.wait("POST")
    assert clock.monotonic() == pytest.approx(60, abs=0.1)
