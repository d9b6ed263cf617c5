"""Each refusal of `POST reinstall`: status, class and message as OVH's OpenAPI has them."""

from __future__ import annotations

import pytest

from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.servers import SimulatedServer
from tests.unit.simulator.bad_orders import REFUSALS, URL
from tests.unit.simulator.outside import SERVER, Api, Start, order, small_server


def test_bad_orders_are_refused_in_ovhs_words_and_begin_nothing(start: Start) -> None:
    simulator = start(small_server())
    api = Api(simulator)
    for body, status, error_class, message in REFUSALS:
        seen_status, seen = api.post_refusal(f"{SERVER}/reinstall", body)
        assert (seen_status, seen["class"]) == (status, error_class)
        assert str(seen["message"]).startswith(message)
    assert api.get(f"{SERVER}/task") == []
    assert not simulator.disk_file("ns1.simulated").exists()


def test_an_incompatible_system_is_refused(start: Start) -> None:
    plain = small_server()
    linux_only = SimulatedServer(
        plain.name, plain.boot_mode, plain.memory_mib, plain.disk_groups, operating_systems=("byolinux_64",)
    )
    api = Api(start(linux_only))
    assert api.post_refusal(f"{SERVER}/reinstall", order(URL)) == (
        409,
        {
            "class": "Client::Conflict::OperatingSystemIncompatible",
            "message": "Operating system byoi_64 is not compatible for server ns1.simulated",
        },
    )
    assert api.get(f"{SERVER}/install/compatibleTemplates") == {"ovh": ["byolinux_64"], "personal": []}


def test_a_locked_server_is_refused(start: Start) -> None:
    api = Api(start(small_server(faults=Faults(locked=True))))
    assert api.post_refusal(f"{SERVER}/reinstall", order(URL)) == (
        409,
        {
            "class": "Client::Conflict::DisturbAlreadyExists",
            "message": "Server resource ns1.simulated is already locked by another process, "
            "blocking any new OS reinstallation",
        },
    )


def test_a_second_order_is_refused_while_the_first_runs(start: Start) -> None:
    api = Api(start(small_server(), pace_seconds=5))
    task_id = api.reinstall(order(URL))
    status, body = api.post_refusal(f"{SERVER}/reinstall", order(URL))
    assert (status, body["class"]) == (400, "Client::BadRequest::TaskAlreadyExists")
    message = "Task {} of type reinstallServer with status {} is already running on server ns1.simulated"
    assert body["message"] in [message.format(task_id, running) for running in ("todo", "doing")]


def test_an_unknown_server_is_not_found(start: Start) -> None:
    api = Api(start(small_server()))
    for path in ("", "/install/status", "/specifications/hardware", "/task", "/task/1"):
        assert api.get_refusal(f"/dedicated/server/ns9.simulated{path}") == (
            404,
            {"class": "Client::NotFound", "message": "This service does not exist"},
        )


@pytest.mark.parametrize("path", ["/dedicated/server/", f"{SERVER}/install/start", "/me", "//", "/%2e%2e/"])
def test_a_route_that_is_no_more_is_not_found(start: Start, path: str) -> None:
    assert Api(start(small_server())).post_refusal(path, {})[0] == 404


def test_the_template_lists_the_customizations_that_are_accepted(start: Start) -> None:
    template = Api(start(small_server())).get_object("/dedicated/installationTemplate/byoi_64")
    inputs = template["inputs"]
    assert isinstance(inputs, list)
    mandatory = {known["name"] for known in inputs if known["mandatory"]}
    assert mandatory == {"imageURL", "imageType", "efiBootloaderPath"}
    assert {known["name"] for known in inputs} - mandatory == {
        "imageCheckSum",
        "imageCheckSumType",
        "httpHeaders",
        "configDriveUserData",
        "configDriveMetadata",
        "hostname",
        "sshKey",
    }
