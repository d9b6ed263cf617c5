"""The misbehaviour of the real API that a client must survive."""

from __future__ import annotations

import ovh
import pytest

from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from tests.unit.simulator.outside import SERVER, Api, ImageHost, Start, order, small_server


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
    assert simulator.wait_until_idle(10)
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
    assert simulator.wait_until_idle(10)
    assert api.get(f"{SERVER}/task?status=done") == [1000001]


def test_a_task_is_purged_when_it_is_done(start: Start, host: ImageHost) -> None:
    simulator = start(faulty(Faults(purge_done_tasks=True)))
    api = Api(simulator)
    task_id = api.reinstall(order(host.url("/files/mbr.raw")))
    assert simulator.wait_until_idle(10)
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
