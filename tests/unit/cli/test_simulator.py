"""The verb `simulator`, alone, as its user runs it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.command import PROGRAM, byoi_tools, clean_environment


def test_the_real_client_talks_to_it(tmp_path: Path) -> None:
    command = [str(PROGRAM), "simulator", "--listen", "127.0.0.1:0", "--directory", str(tmp_path / "servers")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        assert process.stdout is not None
        exports = [process.stdout.readline().strip().removeprefix("export ") for _ in range(4)]
        environment = dict(line.split("=", 1) for line in exports)
        found = byoi_tools("status", "ns1.simulated", environment=environment)
        denied = byoi_tools("status", "ns1.simulated", environment=environment | {"OVH_CONSUMER_KEY": "x" * 16})
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
    assert (found.code, found.output) == (0, "no task is running on ns1.simulated\nno installation is running\n")
    assert denied.code == 6
    assert process.returncode == 0
    assert "GET /1.0/dedicated/server/ns1.simulated 200" in log
    assert environment["OVH_APPLICATION_SECRET"] not in log


def test_a_port_in_use(tmp_path: Path) -> None:
    run = byoi_tools("simulator", "--listen", "127.0.0.1:99999", directory=tmp_path)
    assert run.code == 2
