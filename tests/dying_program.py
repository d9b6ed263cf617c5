"""Runs byoi-tools in this process, which dies as by `kill -9` at a chosen write of a deployment to a receipt.

Arguments: when it dies (`before` the write, `torn` in the middle of it, `unsynced` before it is flushed, `after` it,
or `never`), the number of that write, and those of byoi-tools. Time is fifty times as fast.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from byoi_tools.cli.main import run

_really_sleep, _really_sync, _really_write = time.sleep, os.fsync, os.write
_really_monotonic = time.monotonic


class Death:
    """What stands in for the system's calls: it counts the writes, and kills at the chosen one."""

    def __init__(self, moment: str, number: int) -> None:
        self._moment = moment
        self._number = number
        self._count = 0

    def write(self, descriptor: int, data: bytes) -> int:
        if b'"stage": "deploy"' not in data:
            return _really_write(descriptor, data)
        self._count += 1
        self._die_at("before")
        if self._moment == "torn" and self._count == self._number:
            _really_write(descriptor, data[: len(data) // 2])
        self._die_at("torn")
        return _really_write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self._die_at("unsynced")
        _really_sync(descriptor)
        self._die_at("after")

    def _die_at(self, moment: str) -> None:
        if (moment, self._count) == (self._moment, self._number):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    death = Death(sys.argv[1], int(sys.argv[2]))
    os.write, os.fsync = death.write, death.sync  # type: ignore[assignment]  # the real ones take any buffer
    time.monotonic = lambda: _really_monotonic() * 50
    time.sleep = lambda seconds: _really_sleep(float(seconds) / 50)
    sys.argv[1:3] = []
    run()
