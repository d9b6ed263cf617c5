"""A thousand servers in one process: one request to install each, within the limit of requests and of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from byoi_tools.simulator.signature import SignedCall
from tests.command import clean_environment
from tests.fleet_scene import AskedSimulator, FleetScene, metal
from tests.simulated_user import ROOT

pytestmark = pytest.mark.slow

SERVERS = 1000
MOST_MEMORY = 300 * 2**20


class UnsignedApart(AskedSimulator):
    """Counts apart the requests without a consumer key, which no limit is about: `/auth/time`."""

    unsigned = 0

    def answer(self, call: SignedCall, target: str) -> object:
        self.unsigned += "x-ovh-consumer" not in call.headers
        return super().answer(call, target)


def most_in_a_minute(times: list[float]) -> int:
    first = most = 0
    for last, moment in enumerate(times):
        while moment - times[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_a_thousand_servers_are_installed_once_each(tmp_path: Path) -> None:
    names = [f"ns{number}.simulated" for number in range(SERVERS)]
    (tmp_path / "names").write_text("\n".join(names))
    receipts = tmp_path / "receipts"
    with UnsignedApart([metal(name) for name in names], tmp_path / "servers") as simulator:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "tests.rollout_program", str(receipts)),
                *("https://images.example.net/debian.qcow2", str(tmp_path / "names")),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=clean_environment(FleetScene(simulator, tmp_path, ()).environment),
            timeout=560,
        )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["standings"] == {"done": SERVERS}
    assert simulator.posts == dict.fromkeys(names, 1)
    times = told["times"]
    assert len(times) == simulator.requests - simulator.unsigned
    assert times == sorted(times)
    assert most_in_a_minute(times) == 60
    assert told["memory_bytes"] < MOST_MEMORY
