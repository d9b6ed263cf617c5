"""The verbs cancel, rescue and console, as their user runs them against a pretend provider."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from tests.command import PROGRAM, byoi_tools, clean_environment
from tests.simulated_user import api_environment
from tests.unit.simulator.outside import SERVER, SSH_KEY, Api, ImageHost, make_mbr_image, order, small_server

NAME = "ns1.simulated"
IPMI = f"{SERVER}/features/ipmi"


def environment_of(simulator: Simulator, state: Path) -> dict[str, str]:
    return {
        **api_environment(simulator),
        "XDG_STATE_HOME": str(state),
    }


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator([small_server(faults=Faults(step_seconds=3))], directory=tmp_path / "servers") as running:
        yield running


@pytest.fixture
def api(simulator: Simulator) -> Api:
    return Api(simulator)


@pytest.fixture
def user(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    return environment_of(simulator, tmp_path)


@pytest.fixture
def body(tmp_path: Path) -> Iterator[dict[str, object]]:
    folder = tmp_path / "images"
    folder.mkdir()
    make_mbr_image(folder / "mbr.raw")
    with ImageHost(folder) as host:
        yield order(host.url("/files/mbr.raw"))


def test_a_running_installation_is_cancelled(api: Api, user: dict[str, str], body: dict[str, object]) -> None:
    task_id = api.reinstall(body)
    run = byoi_tools("cancel", NAME, "--confirm", NAME, environment=user)
    assert (run.code, f"task {task_id} is cancelled" in run.output) == (0, True), run.said
    assert api.get_object(f"{SERVER}/task/{task_id}")["status"] == "cancelled"


def test_nothing_is_cancelled_without_an_installation_or_a_confirmation(
    api: Api, user: dict[str, str], body: dict[str, object]
) -> None:
    idle = byoi_tools("cancel", NAME, "--confirm", NAME, environment=user)
    assert (idle.code, "nothing is being installed" in idle.errors) == (6, True)
    task_id = api.reinstall(body)
    for confirmation in ([], ["--confirm", "ns2.simulated"]):
        assert byoi_tools("cancel", NAME, *confirmation, environment=user).code == 2
        assert byoi_tools("rescue", NAME, *confirmation, environment=user).code in (2, 6)
    assert api.get_object(f"{SERVER}/task/{task_id}")["status"] == "doing"


def test_the_rescue_system_and_back(api: Api, user: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "id.pub"
    key.write_text(f"{SSH_KEY}\n")
    run = byoi_tools("rescue", NAME, "--ssh-key", key, "--confirm", NAME, environment=user)
    assert (run.code, "reboots into rescue" in run.output) == (0, True), run.said
    server = api.get_object(SERVER)
    assert api.get_object(f"{SERVER}/boot/{server['bootId']}")["bootType"] == "rescue"
    assert server["rescueSshKey"] == SSH_KEY
    assert [api.get_object(f"{SERVER}/task/{task}")["function"] for task in (1000001,)] == ["hardReboot"]
    back = byoi_tools("rescue", NAME, "--end", "--confirm", NAME, environment=user)
    assert back.code == 0, back.said
    server = api.get_object(SERVER)
    assert api.get_object(f"{SERVER}/boot/{server['bootId']}")["bootType"] == "harddisk"
    assert server["rescueSshKey"] is None


def test_a_busy_server_does_not_reboot(api: Api, user: dict[str, str], body: dict[str, object]) -> None:
    api.reinstall(body)
    run = byoi_tools("rescue", NAME, "--confirm", NAME, environment=user)
    assert (run.code, "is busy" in run.errors) == (6, True), run.said
    assert api.get(f"{SERVER}/task") == [1000001]


def test_the_console_s_url_is_the_result(user: dict[str, str]) -> None:
    run = byoi_tools("console", NAME, environment=user)
    assert run.code == 0, run.said
    assert run.output == "https://console.simulated/ns1.simulated/kvmipHtml5URL?session=1f2e3d\n"
    assert "session" not in run.errors


@pytest.mark.parametrize("verb", ["cancel", "rescue", "console"])
def test_an_unknown_server(verb: str, user: dict[str, str]) -> None:
    run = byoi_tools(verb, "ns9.simulated", environment=user)
    assert run.code == 6
    assert "ns9.simulated" in run.errors


def test_a_missing_right_is_named(tmp_path: Path) -> None:
    known = Credentials("the-key", "the-secret", "the-consumer", (AccessRule("GET", "/dedicated/server/*"),))
    with Simulator([small_server()], directory=tmp_path, credentials=known) as simulator:
        user = environment_of(simulator, tmp_path)
        rescue = byoi_tools("rescue", NAME, "--confirm", NAME, environment=user)
        console = byoi_tools("console", NAME, environment=user)
    for run, call in ((rescue, f"PUT {SERVER}"), (rescue, f"POST {SERVER}/reboot"), (console, f"POST {IPMI}/access")):
        assert (run.code, f"no rule allows {call}" in run.errors) == (6, True), run.said


@pytest.mark.parametrize(("typed", "code"), [(NAME, 0), ("yes", 2), ("", 2)])
def test_the_name_is_asked_for_on_a_terminal(user: dict[str, str], api: Api, typed: str, code: int) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [str(PROGRAM), "rescue", NAME],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=clean_environment(user),
    ) as process:
        os.close(theirs)
        seen = b""
        while b"to go on: " not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, f"{typed}\n".encode())
        assert process.wait(60) == code
    os.close(ours)
    assert b"will reboot now, into rescue" in seen
    assert (api.get(f"{SERVER}/task") == []) == (code != 0)
