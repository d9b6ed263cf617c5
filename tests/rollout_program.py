"""Rolls a fleet of pretend servers out in this process, by a clock that jumps, and tells what that took.

Arguments: a directory for the receipts, the image's URL, and the names of the servers in a file, one a line. The
provider is configured by OVH_*. Prints JSON: how many servers stand how, the clock's seconds at each request, and the
most memory that this process had, in bytes.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from byoi_tools.deployment.request_limit import RequestLimit
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.fleet import FleetObserver, Pace
from byoi_tools.model.deployment.order import Customizations, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.deployments import Deployments
from byoi_tools.pipeline.fleet.line import deploy_fleet
from byoi_tools.pipeline.fleet.rollout import FleetOutside
from byoi_tools.pipeline.fleet.rollout_receipt import RolloutReceipt
from byoi_tools.pipeline.receipt import Receipt
from byoi_tools.tools.ovh.remembered import RememberingApi

PARALLEL = 50


class JumpingClock:
    """Time that moves only when some thread sleeps, and for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds


def roll_out(directory: Path, url: str, names: list[str]) -> dict[str, object]:
    clock, lock, times = JumpingClock(), threading.Lock(), list[float]()
    limit = RequestLimit(clock)

    def wait(method: str) -> None:
        with lock:  # so that the clock stands still between the turn and its writing down
            limit.wait(method)
            times.append(clock.monotonic())

    @contextmanager
    def deployments_of(server: str) -> Iterator[Deployments]:
        with Receipt(directory / f"{server}.jsonl") as receipt:
            yield Deployments(receipt, server, clock)

    image = ImageSource(Secret(url), ImageType.QCOW2, Digest.parse("sha512:" + "2cbd3dd5" * 16))
    ordered = [
        Reinstallation(
            InstallOrder(name, Product.BYOI, r"\EFI\BOOT\BOOTX64.EFI", Customizations(f"web-{number}")), image
        )
        for number, name in enumerate(names)
    ]
    with Receipt(directory / "rollout.jsonl") as receipt:
        outside = FleetOutside(
            RememberingApi.from_configuration(wait),
            clock,
            RolloutReceipt(receipt, clock),
            deployments_of,
            FleetObserver(),
            limit.close,
        )
        endings = deploy_fleet(outside, ordered, {}, Pace(1, PARALLEL, 1), lambda work: None)
    return {
        "standings": Counter(ending.standing.value for ending in endings),
        "times": times,
        "memory_bytes": peak_memory(),
    }


def peak_memory() -> int:
    """Return the peak in bytes of this program; getrusage(2) would tell that of its parent, where that was larger."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else sys.maxsize


if __name__ == "__main__":
    given = Path(sys.argv[3]).read_text().split()
    print(json.dumps(roll_out(Path(sys.argv[1]), sys.argv[2], given)))  # noqa: T201 - is its result
