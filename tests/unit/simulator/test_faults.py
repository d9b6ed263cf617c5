"""The misbehaviour of the real API that a client must survive."""

from __future__ import annotations

import time
from pathlib import Path

import ovh
import pytest

from byoi_tools.errors import UsageError
from byoi_tools.simulator.failures import FAILURES
from byoi_tools.simulator.faults import Faults, ReinstallAnswer, parse_faults
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from byoi_tools.simulator.service import Simulator
from tests.unit.simulator.outside import SERVER, Api, ImageHost, Start, failed_step, order, small_server


def faulty(faults: Faults) -> SimulatedServer:
    return small_server(boot_mode=BootMode.LEGACY, faults=faults)


def test_the_first_polls_fail_and_then_the_steps_are_there(start: Start, host: ImageHost) -> None:
    faults = Faults(install_status_answers=(404, 500), task_answers=(500,))
    api = Api(start(faulty(faults), pace_seconds=5))
    assert api.get_refusal(f"{SERVER}/install/status")[1]["message"] == (
        "Server is not being installed or reinstalled at the moment"
    )
    task_id = api.reinstall(order(host.url("/files/mbr.raw")))
    polls = [api.get_refusal(f"{SERVER}/install/status")[0] for _ in range(2)]
    assert polls == [404, 500]
    assert isinstance(api.get_object(f"{SERVER}/install/status")["progress"], list)
    assert api.get_refusal(f"{SERVER}/task/{task_id}")[0] == 500
    assert api.get_object(f"{SERVER}/task/{task_id}")["status"] == "doing"


def test_the_task_runs_although_the_answer_was_lost(start: Start, host: ImageHost) -> None:
    simulator = start(faulty(Faults(reinstall_answer=ReinstallAnswer.DROPPED)))
    api = Api(simulator)
    with pytest.raises(ovh.exceptions.HTTPError):
        api.post(f"{SERVER}/reinstall", order(host.url("/files/mbr.raw")))
    assert simulator.wait_until_idle(60)
    assert api.get(f"{SERVER}/task?status=done") == [1000001]


def test_the_task_runs_although_the_answer_was_an_error(start: Start, host: ImageHost) -> None:
    simulator = start(faulty(Faults(reinstall_answer=ReinstallAnswer.SERVER_ERROR)))
    api = Api(simulator)
    assert api.post_refusal(f"{SERVER}/reinstall", order(host.url("/files/mbr.raw"))) == (
        500,
        {
            "class": "Server::InternalServerError::TaskRetrieve",
            "message": "Error while retrieving task 1000001",
        },
    )
    assert simulator.wait_until_idle(60)
    assert api.get(f"{SERVER}/task?status=done") == [1000001]


def test_a_task_is_purged_when_it_is_done(start: Start, host: ImageHost) -> None:
    simulator = start(faulty(Faults(purge_done_tasks=True)))
    api = Api(simulator)
    task_id = api.reinstall(order(host.url("/files/mbr.raw")))
    assert simulator.wait_until_idle(60)
    assert api.get_refusal(f"{SERVER}/task/{task_id}") == (
        404,
        {"class": "Client::NotFound", "message": f"The requested object (taskId = {task_id}) does not exist"},
    )
    assert api.get(f"{SERVER}/task") == []


def test_the_steps_come_without_their_object(start: Start, host: ImageHost) -> None:
    api = Api(start(faulty(Faults(bare_progress_list=True)), pace_seconds=5))
    api.reinstall(order(host.url("/files/mbr.raw")))
    progress = api.get(f"{SERVER}/install/status")
    assert isinstance(progress, list)
    assert progress[0] == {"comment": "Checking BIOS version", "status": "doing", "error": ""}
    assert progress[-1]["status"] == "todo"


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_shows_at_its_step_and_ends_the_task(start: Start, host: ImageHost, name: str) -> None:
    failure = FAILURES[name]
    simulator = start(faulty(Faults(failure=name)))
    api = Api(simulator)
    task_id = api.reinstall(order(host.url("/files/mbr.raw")))
    assert simulator.wait_until_idle(60)
    status = api.get_object(f"{SERVER}/task/{task_id}")["status"]
    assert status == {"cancelled": "cancelled", "provider": "ovhError"}.get(name, "customerError")
    if status == "customerError":
        assert failed_step(api) == (failure.step, failure.message)


def test_slow_steps(start: Start, host: ImageHost) -> None:
    simulator = start(faulty(Faults(step_seconds=0.1)))
    api = Api(simulator)
    began = time.monotonic()
    api.reinstall(order(host.url("/files/mbr.raw")))
    assert simulator.wait_until_idle(60)
    assert time.monotonic() - began > 1.1  # eleven steps


def test_a_request_is_lost(start: Start, host: ImageHost) -> None:
    api = Api(start(faulty(Faults(reinstall_answer=ReinstallAnswer.LOST))))
    with pytest.raises(ovh.exceptions.HTTPError):
        api.post(f"{SERVER}/reinstall", order(host.url("/files/mbr.raw")))
    assert api.get(f"{SERVER}/task") == []


def test_a_request_is_lost_with_an_error(start: Start, host: ImageHost) -> None:
    api = Api(start(faulty(Faults(reinstall_answer=ReinstallAnswer.LOST_ERROR))))
    assert api.post_refusal(f"{SERVER}/reinstall", order(host.url("/files/mbr.raw")))[0] == 500
    assert api.get(f"{SERVER}/task") == []


def test_an_answer_never_comes(start: Start, host: ImageHost) -> None:
    api = Api(start(faulty(Faults(reinstall_answer=ReinstallAnswer.SILENT))), timeout_seconds=1)
    with pytest.raises(ovh.exceptions.HTTPError, match=r"(?i)low HTTP|timed out"):
        api.post(f"{SERVER}/reinstall", order(host.url("/files/mbr.raw")))
    assert api.get(f"{SERVER}/task") == [1000001]


def test_the_list_of_tasks_fails_for_a_while(start: Start, host: ImageHost) -> None:
    api = Api(start(faulty(Faults(task_list_answers=(500, 404)))))
    api.reinstall(order(host.url("/files/mbr.raw")))
    assert [api.get_refusal(f"{SERVER}/task")[0] for _ in range(2)] == [500, 404]
    assert api.get(f"{SERVER}/task") == [1000001]


def test_a_clock_that_is_wrong(tmp_path: Path) -> None:
    with Simulator([small_server()], directory=tmp_path, clock_drift_seconds=60) as simulator:
        status, body = Api(simulator).get_refusal(SERVER)
    assert (status, body["errorCode"]) == (400, "QUERY_TIME_OUT")


@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        (["reinstall_answer=dropped"], Faults(reinstall_answer=ReinstallAnswer.DROPPED)),
        (["task_answers=[404, 500]", "locked=true"], Faults(task_answers=(404, 500), locked=True)),
        (["step_seconds=2.5", "failure=gpt-backup"], Faults(step_seconds=2.5, failure="gpt-backup")),
        ([' failure = "script" '], Faults(failure="script")),
    ],
)
def test_faults_by_flag(texts: list[str], faults: Faults) -> None:
    assert parse_faults(texts) == faults


@pytest.mark.parametrize(
    "text",
    (
        *("", "x", "sulking=true", "locked=yes", "task_answers=404", "task_answers=[200]", "failure=sulking"),
        *("reinstall_answer=never", "step_seconds=-1", "step_seconds=true", "step_seconds=nan"),
    ),
)
def test_what_is_no_fault(text: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse_faults([text])
    assert wrong.value.details
