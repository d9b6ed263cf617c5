from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from byoi_tools.tools.clock import SystemClock


def test_now_is_aware_and_in_utc() -> None:
    now = SystemClock().now()

    assert now.utcoffset() == timedelta(0)
    assert abs(now - datetime.fromtimestamp(time.time(), UTC)) < timedelta(seconds=5)


def test_sleep_takes_its_time() -> None:
    clock = SystemClock()
    before = clock.monotonic()

    clock.sleep(0.02)

    assert clock.monotonic() - before >= 0.02
