"""Never more than 60 requests in any minute, whoever sends them."""

from __future__ import annotations

import threading
import time

import pytest

from byoi_tools.deployment.request_limit import RequestLimit
from byoi_tools.deployment.tasks import list_reinstallations
from byoi_tools.tools.ovh_api import OvhApi
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
