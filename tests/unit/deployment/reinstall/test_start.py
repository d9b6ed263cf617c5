"""The one request: what is certain, what is looked for, and what stays unknown."""

from __future__ import annotations

import base64
import json
import socket
import traceback
from dataclasses import replace

import pytest

from byoi_tools.deployment.reinstall.start import start_reinstallation
from byoi_tools.errors import ByoiError, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.server import Task, TaskStatus
from tests.clock import FakeClock
from tests.scripted_api import QUERY_ID, Answer, Drop, Script, ScriptedApi
from tests.unit.deployment.examples import NAME, REINSTALLATION, ROUTE, SIGNATURE, SOURCE, TOKEN, URL, USER_DATA, Told

POST = f"POST {ROUTE}/reinstall"
LIST = f"GET {ROUTE}/task"
ACCEPTED = {
    "taskId": 123456789,
    "status": "init",
    "startDate": "2024-01-26T17:57:10+01:00",
    "doneDate": None,
    "function": "reinstallServer",
    "comment": "Start bare metal OS installation",
}
TASK = Task(123456789, "reinstallServer", TaskStatus.INIT, "Start bare metal OS installation")
INTENTS: list[frozenset[int]] = []
ENCODED = base64.b64encode(USER_DATA).decode()


def start(monkeypatch: pytest.MonkeyPatch, script: Script) -> tuple[Task, Told, ScriptedApi]:
    told = Told()
    with ScriptedApi({LIST: Answer([7])} | dict(script)) as scripted:
        task = start_reinstallation(scripted.connect(monkeypatch), REINSTALLATION, FakeClock(), told, INTENTS.append)
    assert scripted.count(POST) == 1
    return task, told, scripted


def fail(monkeypatch: pytest.MonkeyPatch, script: Script) -> ByoiError:
    with ScriptedApi({LIST: Answer([7])} | dict(script)) as scripted, pytest.raises(ByoiError) as failure:
        start_reinstallation(scripted.connect(monkeypatch), REINSTALLATION, FakeClock(), Told(), INTENTS.append)
    assert scripted.count(POST) == 1
    shown = "".join(traceback.format_exception(failure.value)) + f"{failure.value.details}{failure.value.remedy}"
    assert not any(secret in shown for secret in (SIGNATURE, TOKEN, ENCODED))
    return failure.value


def test_an_accepted_request_returns_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    task, told, scripted = start(monkeypatch, {POST: Answer(ACCEPTED)})
    assert task == TASK
    assert told.notes == []
    (request,) = (request for request in scripted.requests if request.method == "POST")
    assert json.loads(request.body)["customizations"]["imageURL"] == URL


@pytest.mark.parametrize(
    ("status", "error_class", "message", "cause"),
    [
        (400, "Client::BadRequest::TaskAlreadyExists", "Task 7 of type x is already running", "Another task"),
        (
            409,
            "Client::Conflict::DisturbAlreadyExists",
            f"Server resource {NAME} is already locked",
            "holds the server",
        ),
        (409, "Client::Conflict::OperatingSystemIncompatible", "byoi_64 is not compatible", "cannot be installed"),
        (400, "Client::BadRequest::CustomizationSizeExceeded", "Customization is 9 big", "user data"),
        (400, "", "Unknown parameter image_url", "does not accept"),
        (403, "Client::Forbidden::BadAccess", "An internal error has occurred", "does not accept"),
        (501, "Server::NotImplemented::DiskGroupMultipleConfigs", "not implemented", "does not accept"),
    ],
)
def test_a_definite_refusal_is_explained(
    monkeypatch: pytest.MonkeyPatch, status: int, error_class: str, message: str, cause: str
) -> None:
    failure = fail(monkeypatch, {POST: Answer({"class": error_class, "message": message}, status)})
    assert isinstance(failure, DeploymentRefused)
    assert message in failure.message
    assert cause in str(failure.details)
    assert error_class in str(failure.details)
    assert QUERY_ID in str(failure.details)


def test_a_missing_right_to_reinstall_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"class": "Client::Forbidden", "message": "User not granted for this request"}
    failure = fail(monkeypatch, {POST: Answer(body, 403)})
    assert isinstance(failure, DeploymentRefused)
    assert "POST /dedicated/server/*/reinstall" in failure.remedy
    assert "dedicatedServer:apiovh:reinstall" in failure.remedy


def test_a_message_that_quotes_the_request_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    message = f"Invalid customization format for imageURL: {URL}; httpHeaders: {TOKEN}; configDriveUserData: {ENCODED}"
    failure = fail(monkeypatch, {POST: Answer({"message": message}, 400)})
    assert "configDriveUserData: [redacted]" in failure.message


LOST = [
    Drop(),
    Answer({"class": "Server::InternalServerError::TaskRetrieve", "message": "Error while retrieving task"}, 500),
    Answer(text="<html>Bad Gateway</html>", status=502, content_type="text/html"),
    Answer(status=408, body={"message": "Request Timeout"}),
    Answer({"status": "init"}),
    Answer(None),
    Answer(text="<html>", content_type="text/html"),
]


@pytest.mark.parametrize("answer", LOST)
def test_a_lost_answer_s_task_is_found_and_adopted(monkeypatch: pytest.MonkeyPatch, answer: Answer | Drop) -> None:
    script: Script = {
        POST: answer,
        f"{LIST}?function=reinstallServer": [Answer([7]), Answer([7, 123456789])],
        f"GET {ROUTE}/task/123456789": Answer(ACCEPTED),
    }
    task, told, _ = start(monkeypatch, script)
    assert task == TASK
    assert "123456789" in told.notes[0]


@pytest.mark.parametrize("answer", LOST)
def test_a_lost_answer_without_a_new_task_is_an_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | Drop
) -> None:
    failure = fail(monkeypatch, {POST: answer, f"GET {ROUTE}/task/7": Answer(ACCEPTED | {"taskId": 7})})
    assert isinstance(failure, OutcomeUnknown)
    assert failure.exit_code == 7
    assert f"byoi-tools status {NAME}" in failure.remedy


@pytest.mark.parametrize("look", [Drop(), Answer({"message": "no"}, 500), Answer({"message": "no"}, 403)])
def test_an_api_that_does_not_answer_the_look_leaves_it_unknown(
    monkeypatch: pytest.MonkeyPatch, look: Answer | Drop
) -> None:
    failure = fail(monkeypatch, {POST: Drop(), LIST: [Answer([]), look]})
    assert isinstance(failure, OutcomeUnknown)


def test_the_look_waits_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    with ScriptedApi({LIST: Answer([]), POST: Drop()}) as scripted, pytest.raises(OutcomeUnknown):
        start_reinstallation(scripted.connect(monkeypatch), REINSTALLATION, clock, Told(), INTENTS.append)
    assert clock.sleeps == [0, 5, 10, 15, 30]


def test_a_task_that_appears_late_is_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    script: Script = {
        POST: Drop(),
        LIST: [Answer([7]), Answer([7]), Answer({"message": "no"}, 500), Drop(), Answer([7, 123456789])],
        f"GET {ROUTE}/task/123456789": Answer(ACCEPTED),
    }
    task, _, _ = start(monkeypatch, script)
    assert task == TASK


def test_the_earlier_ones_are_told_just_before_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[frozenset[int], int]] = []
    with ScriptedApi({LIST: Answer([7, 9]), POST: Answer(ACCEPTED)}) as scripted:
        start_reinstallation(
            scripted.connect(monkeypatch),
            REINSTALLATION,
            FakeClock(),
            Told(),
            lambda earlier: told.append((earlier, scripted.count(POST))),
        )
    assert told == [(frozenset({7, 9}), 0)]


def test_an_unreachable_api_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is closed between the list and the request, which so is certainly not sent."""

    class ClosingApi(ScriptedApi):
        def answer(self, request: object) -> Answer | Drop:
            found = super().answer(request)  # type: ignore[arg-type]  # the base class names the type
            if self.count(LIST):
                self._http.socket.shutdown(socket.SHUT_RDWR)
            return found

    with ClosingApi({LIST: Answer([])}) as scripted, pytest.raises(DeploymentRefused, match="nothing was sent"):
        start_reinstallation(scripted.connect(monkeypatch), REINSTALLATION, FakeClock(), Told(), INTENTS.append)
    assert scripted.count(POST) == 0


@pytest.mark.parametrize("answer", [Answer({"message": "no"}, 500), Drop(), Answer({"message": "no"}, 403)])
def test_nothing_is_sent_when_earlier_tasks_cannot_be_listed(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | Drop
) -> None:
    with ScriptedApi({LIST: answer}) as scripted, pytest.raises(ByoiError) as failure:
        start_reinstallation(scripted.connect(monkeypatch), REINSTALLATION, FakeClock(), Told(), INTENTS.append)
    assert failure.value.exit_code == 6
    assert scripted.count(POST) == 0


def test_a_faulty_source_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = replace(REINSTALLATION, image=replace(SOURCE, checksum=None))
    with ScriptedApi({}) as scripted, pytest.raises(DeploymentRefused, match="checksum"):
        start_reinstallation(scripted.connect(monkeypatch), faulty, FakeClock(), Told(), INTENTS.append)
    assert scripted.requests == []
