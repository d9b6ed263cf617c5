from __future__ import annotations

import pytest

from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.object_store.failures import StoreFailure
from tests.clock import FakeClock


class Store:
    """Fails as often as it is told, then answers."""

    def __init__(self, failures: int, code: str) -> None:
        self.failures = failures
        self.code = code
        self.asked = 0

    def ask(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            raise StoreFailure("no", remedy="", code=self.code)
        return "answer"


def test_what_passes_is_tried_again_after_growing_pauses() -> None:
    clock, store = FakeClock(), Store(failures=7, code="SlowDown")

    assert Retries(clock).run(store.ask) == "answer"

    assert 20 <= clock.monotonic() <= 48
    assert store.asked == 8


def test_pauses_differ() -> None:
    waited = set()
    for _ in range(5):
        clock = FakeClock()
        Retries(clock).run(Store(failures=3, code="SlowDown").ask)
        waited.add(clock.monotonic())

    assert len(waited) == 5


def test_patience_ends() -> None:
    store = Store(failures=8, code="ReadTimeoutError")

    with pytest.raises(StoreFailure):
        Retries(FakeClock()).run(store.ask)

    assert store.asked == 8


def test_what_does_not_pass_is_not_tried_again() -> None:
    clock, store = FakeClock(), Store(failures=1, code="ExpiredToken")

    with pytest.raises(StoreFailure):
        Retries(clock).run(store.ask)

    assert (store.asked, clock.sleeps) == (1, [])


def test_end_of_the_work_ends_the_pause() -> None:
    clock, store = FakeClock(), Store(failures=8, code="SlowDown")

    with pytest.raises(StoreFailure):
        Retries(clock, lambda: clock.monotonic() > 3).run(store.ask)

    assert clock.monotonic() < 4
