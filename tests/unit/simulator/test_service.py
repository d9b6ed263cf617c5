"""Starting and stopping, and requests that no client would make."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread, Timer
from urllib.parse import urlsplit

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.rehearsal.programs import run
from byoi_tools.rehearsal.refusals import HaltedError
from byoi_tools.simulator.service import Simulator
from tests.unit.simulator.outside import SERVER, Api, ImageHost, order, sh, small_server


def test_stopping_ends_a_stalled_installation_at_once(tmp_path: Path, host: ImageHost) -> None:
    with Simulator([small_server()], directory=tmp_path) as simulator:
        Api(simulator).reinstall(order(host.url("/stalled")))
        while not simulator.disk_file("ns1.simulated").exists():
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 15  # what stalls ends by itself after 20
    assert json.loads(simulator.state_file("ns1.simulated").read_text())["status"] == "cancelled"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port or 0), timeout=1)


def test_a_halt_kills_a_program_with_its_children() -> None:
    halt = Event()
    Timer(0.2, halt.set).start()
    with pytest.raises(HaltedError):
        run(("sh", "-c", "sleep 98.7654 & wait"), halt, seconds=90)
    assert "98.7654" not in sh("ps -eo args | grep -v grep | grep 'sleep 98' || true")


def test_a_program_that_takes_too_long_is_killed() -> None:
    began = time.monotonic()
    assert run(("sleep", "60"), Event(), seconds=1).returncode != 0
    assert time.monotonic() - began < 50


def test_missing_programs_are_named_before_anything_starts(tmp_path: Path) -> None:
    code = "from byoi_tools.simulator.programs import require_programs; require_programs()"
    done = subprocess.run(
        (sys.executable, "-c", code), env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=30
    )
    assert "ToolMissing: The simulator lacks programs" in done.stderr


def test_each_step_takes_its_pace(tmp_path: Path, host: ImageHost) -> None:
    with Simulator([small_server()], directory=tmp_path, pace_seconds=0.1) as simulator:
        Api(simulator).reinstall(order(host.url("/files/nothing")))
        assert simulator.wait_until_idle(60)
    steps = json.loads(simulator.state_file("ns1.simulated").read_text())["steps"]
    assert [step["status"] for step in steps[:6]] == ["done"] * 4 + ["error", "todo"]
    assert all(step["seconds"] >= 0.1 for step in steps[:5])


def test_it_blocks_until_it_is_stopped(tmp_path: Path) -> None:
    simulator = Simulator([small_server()], directory=tmp_path)
    simulator.start()
    waiting = Thread(target=simulator.wait_until_stopped)
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    simulator.stop()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_kept_connection_gets_no_answer_after_the_stop(tmp_path: Path) -> None:
    with Simulator([small_server()], directory=tmp_path) as simulator:
        connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
        connection.request("GET", "/1.0/auth/time")
        assert connection.getresponse().read()
    connection.request("GET", "/1.0/auth/time")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()


def test_an_address_in_use_is_an_error_of_usage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
            Simulator([small_server()], directory=tmp_path, listen=("127.0.0.1", port)).start()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 404),
        ("GET", "/2.0/dedicated/server", {}, 404),
        ("GET", "/1.0/dedicated/server", {}, 403),
        ("DELETE", f"/1.0{SERVER}", {}, 404),
        ("GET", "/1.0/auth/time", {"Content-Length": "-1"}, 413),
        ("GET", "/1.0/auth/time", {"Content-Length": "999999999"}, 413),
        ("GET", "/1.0/dedicated/installationTemplate/%00", {}, 404),
        ("GET", "/1.0//[", {}, 404),
    ],
)
def test_odd_requests_get_an_answer_in_json(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    with Simulator([small_server()], directory=tmp_path) as simulator:
        connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        assert response.status == status
        assert json.loads(response.read())["message"]


def test_a_body_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with Simulator([small_server()], directory=tmp_path) as simulator:
        for body in (b"{", b"[" * 100_000, b"\xff"):
            connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=5)
            connection.request("GET", "/1.0/auth/time", body=body)
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["message"]) == (400, "The body is no JSON")
