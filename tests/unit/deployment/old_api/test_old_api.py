"""The request of the API of the 2020 guides and the watch after it: what is certain, and what stays unknown."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from dataclasses import replace

import pytest

from byoi_tools.deployment.old_api.body import OLD_INPUTS, old_api_body, old_api_names
from byoi_tools.deployment.old_api.delete import delete_deployment, read_deletable
from byoi_tools.deployment.old_api.start import find_begun, start_deployment
from byoi_tools.deployment.old_api.status import find_deployment, read_deployment
from byoi_tools.deployment.old_api.watch import watch_deployment
from byoi_tools.errors import ByoiError, DeploymentFailed, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.old_deployment import DeploymentState, OldDeployment, SoughtImage
from byoi_tools.model.deployment.order import InstallApi, Reinstallation
from byoi_tools.model.deployment.server import InstallResult, Task, TaskStatus, unnumbered_task
from byoi_tools.simulator.failures import FAILURES
from tests.clock import FakeClock
from tests.scripted_api import Answer, Drop, ScriptedApi
from tests.unit.deployment.examples import NAME, ORDER, ROUTE, SIGNATURE, SOURCE, TOKEN, URL, USER_DATA, Told

POST, GET, DELETE = (f"{method} {ROUTE}/bringYourOwnImage" for method in ("POST", "GET", "DELETE"))
CHECKSUM = "2cbd3dd5" * 16
NOTHING = Answer(
    {"class": "Client::NotFound", "message": "The requested object (bringYourOwnImage) does not exist"}, 404
)
NO_ROUTE = Answer({"class": "Client::NotFound", "message": "Got an invalid (or empty) URL"}, 404)
ILL = Answer({"class": "Server::InternalServerError", "message": "Internal server error"}, 500)
ORDERED = Reinstallation(
    replace(ORDER, api=InstallApi.BRING_YOUR_OWN_IMAGE, description="Debian 12", disk_group_id=2), SOURCE
)
Answers = Answer | Drop | Sequence[Answer | Drop]


def status(state: str, message: str = "starting", checksum: str | None = CHECKSUM) -> Answer:
    """As `dedicated.server.ByoiStatus` of OVH's API description."""
    return Answer({"status": state, "message": message, "checksum": checksum, "servername": NAME})


def start(monkeypatch: pytest.MonkeyPatch, posted: Answers, seen: Answers) -> tuple[Task, list[SoughtImage]]:
    intents: list[SoughtImage] = []
    with ScriptedApi({POST: posted, GET: seen}) as scripted:
        task = start_deployment(scripted.connect(monkeypatch), ORDERED, FakeClock(), Told(), intents.append)
    assert scripted.count(POST) == 1
    return task, intents


def fail(monkeypatch: pytest.MonkeyPatch, posted: Answers, seen: Answers, posts: int = 1) -> ByoiError:
    with ScriptedApi({POST: posted, GET: seen}) as scripted, pytest.raises(ByoiError) as failure:
        start_deployment(scripted.connect(monkeypatch), ORDERED, FakeClock(), Told(), lambda sought: None)
    assert scripted.count(POST) == posts
    shown = "".join(traceback.format_exception(failure.value)) + f"{failure.value.details}{failure.value.remedy}"
    assert not any(secret in shown for secret in (SIGNATURE, TOKEN, USER_DATA.decode()))
    return failure.value


def watch(monkeypatch: pytest.MonkeyPatch, *seen: Answer | Drop) -> tuple[InstallResult, Told]:
    told = Told()
    with ScriptedApi({GET: seen}) as scripted:
        task = unnumbered_task("starting")
        result = watch_deployment(scripted.connect(monkeypatch), NAME, task, FakeClock(), told)
    return result, told


def test_the_body_has_the_names_of_the_description_and_nothing_else() -> None:
    """The names of OVH's guide of July 2020; pairs are `complexType.SafeKeyValue` in its API description."""
    body = old_api_body(ORDERED)
    assert json.loads(json.dumps(body)) == {
        "URL": URL,
        "checkSum": CHECKSUM,
        "checkSumType": "sha512",
        "description": "Debian 12",
        "diskGroupId": 2,
        "hostname": "mon-tux",
        "httpHeader": [{"key": "Authorization", "value": TOKEN}],
        "sshKey": ORDER.customizations.ssh_key,
        "type": "qcow2",
        "userData": USER_DATA.decode(),
        "userMetadatas": [{"key": "role", "value": "database"}],
    }
    assert old_api_names(ORDERED.order, has_headers=True) == set(body) == {each.name for each in OLD_INPUTS}


def test_a_request_without_wishes_has_what_the_image_needs() -> None:
    bare = Reinstallation(replace(ORDER, customizations=type(ORDER.customizations)()), replace(SOURCE, http_headers=()))
    assert set(old_api_body(bare)) == {"URL", "type", "checkSum", "checkSumType"}
    assert old_api_names(bare.order, has_headers=False) == set(old_api_body(bare))


def test_an_accepted_request_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    task, intents = start(monkeypatch, Answer(None), NOTHING)
    assert (task.task_id, task.is_of_old_api, task.status) == (0, True, TaskStatus.DOING)
    assert intents == [SoughtImage(CHECKSUM, was_there=False)]


@pytest.mark.parametrize("lost", [Drop(), ILL, Answer({"message": "timeout"}, 504), Answer(text="<html>")])
def test_a_lost_answer_s_deployment_is_found_by_its_checksum(monkeypatch: pytest.MonkeyPatch, lost: Answer) -> None:
    other = status("done", checksum="0" * 128)
    task, _ = start(monkeypatch, lost, [other, other, ILL, status("doing", "downloading")])
    assert task.comment == "downloading"


def test_an_ended_deployment_of_the_same_image_is_not_taken_for_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = status("done", "installed")
    assert isinstance(fail(monkeypatch, Drop(), earlier), OutcomeUnknown)
    _, intents = start(monkeypatch, Drop(), [earlier, earlier, status("doing")])
    assert intents == [SoughtImage(CHECKSUM, was_there=True)]


def test_an_accepted_request_s_end_is_not_the_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = status("done", "installed")
    with ScriptedApi({POST: Answer(None), GET: [earlier, earlier, earlier, status("doing")]}) as scripted:
        start_deployment(scripted.connect(monkeypatch), ORDERED, FakeClock(), Told(), lambda sought: None)
        assert scripted.count(GET) == 4


@pytest.mark.parametrize("seen", [NOTHING, status("doing", checksum="0" * 128), status("doing", checksum=None), ILL])
def test_what_nobody_can_tell_is_unknown(monkeypatch: pytest.MonkeyPatch, seen: Answer) -> None:
    failure = fail(monkeypatch, Drop(), [NOTHING, seen])
    assert isinstance(failure, OutcomeUnknown)
    assert "--again" in failure.remedy


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer({"class": "Client::BadRequest", "message": f"Invalid URL {URL}"}, 400), "refused to reinstall"),
        (Answer({"class": "Client::Forbidden", "message": "User not granted for this request"}, 403), "right to POST"),
        (NO_ROUTE, "has no bringYourOwnImage"),
    ],
)
def test_a_refused_request_is_refused(monkeypatch: pytest.MonkeyPatch, answer: Answer, words: str) -> None:
    failure = fail(monkeypatch, answer, NOTHING)
    assert isinstance(failure, DeploymentRefused)
    assert words in failure.message


def test_nothing_is_sent_beside_a_running_one_or_without_the_route(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "another deployment is running" in fail(monkeypatch, Answer(None), status("doing"), 0).message
    missing = fail(monkeypatch, Answer(None), NO_ROUTE, 0)
    assert "Leave out --api bring-your-own-image" in missing.remedy


def test_an_earlier_run_s_deployment_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi({GET: [ILL, status("done")]}) as scripted:
        api, sought = scripted.connect(monkeypatch), SoughtImage(CHECKSUM.upper(), was_there=False)
        assert find_begun(api, NAME, sought, "it was killed", FakeClock(), Told()).is_of_old_api


@pytest.mark.parametrize(
    ("answer", "deployment"),
    [
        (status("done", "ok\x1b[2J", "AB"), OldDeployment(DeploymentState.DONE, "ok [2J", "ab")),
        (status("paused", ""), OldDeployment(DeploymentState.DOING, "", CHECKSUM)),
        (Answer({"status": None, "message": None, "checksum": None, "servername": None}), None),
        (Answer([1]), None),
        (NOTHING, None),
    ],
)
def test_the_status_is_read(monkeypatch: pytest.MonkeyPatch, answer: Answer, deployment: OldDeployment | None) -> None:
    with ScriptedApi({GET: answer}) as scripted:
        assert read_deployment(scripted.connect(monkeypatch), NAME) == deployment


GONE = Answer({"class": "Client::Gone", "message": "This API has been removed"}, 410)


@pytest.mark.parametrize("answer", [NO_ROUTE, GONE, Answer({"class": "Client::Forbidden", "message": "no"}, 403)])
def test_a_status_that_cannot_be_asked_for_is_none(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    with ScriptedApi({GET: answer}) as scripted:
        assert find_deployment(scripted.connect(monkeypatch), NAME) is None


def test_the_watch_tells_each_message_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first message is "starting" (OVH's manager, BYOI_STARTING_MESSAGE)."""
    writing = status("doing", "writing")
    result, told = watch(
        monkeypatch, NOTHING, status("doing"), ILL, writing, Drop(), writing, status("done", "writing")
    )
    assert told.steps == [("starting", "doing"), ("writing", "doing"), ("writing", "done")]
    assert [(timing.step.comment, timing.step.status.value) for timing in result.steps] == [
        ("starting", "done"),
        ("writing", "done"),
    ]
    assert result.task.status is TaskStatus.DONE


@pytest.mark.parametrize("message", sorted({f.message for f in FAILURES.values() if f.message[0].isupper()}))
def test_each_message_of_the_guides_is_explained(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        watch(monkeypatch, status("doing"), status("error", message))
    assert message.split(":")[0] in failure.value.message
    assert failure.value.remedy != "Look at the server's console, and ask the provider's support."


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ((status("doing"), NOTHING), "was erased"),
        ((status("doing"), status("doing", checksum="0" * 128)), "another deployment"),
        ((status("doing"), ILL), "500"),
        ((status("doing"),), "did not end within 60 minutes"),
        ((Answer({"class": "Client::Forbidden", "message": "no"}, 403),), "403"),
    ],
)
def test_a_watch_that_loses_sight_says_so(
    monkeypatch: pytest.MonkeyPatch, seen: tuple[Answer, ...], words: str
) -> None:
    with pytest.raises(OutcomeUnknown) as failure:
        watch(monkeypatch, *seen)
    assert words in (failure.value.details or "")


def delete(monkeypatch: pytest.MonkeyPatch, deleted: Answers, seen: Answers) -> None:
    with ScriptedApi({DELETE: deleted, GET: seen}) as scripted:
        api = scripted.connect(monkeypatch)
        try:
            delete_deployment(api, NAME, read_deletable(api, NAME), FakeClock())
        finally:
            assert scripted.count(DELETE) <= 1


@pytest.mark.parametrize("answer", [Answer(None), Drop(), ILL, NOTHING])
def test_a_deletion_ends_when_the_status_is_gone(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    delete(monkeypatch, answer, [status("done"), status("done"), ILL, NOTHING])


def test_a_deletion_that_nobody_sees_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutcomeUnknown):
        delete(monkeypatch, Drop(), status("done"))


@pytest.mark.parametrize(
    ("deleted", "seen"), [(Answer(None), NOTHING), (Answer({"message": "no"}, 409), status("done"))]
)
def test_what_cannot_be_deleted_is_refused(monkeypatch: pytest.MonkeyPatch, deleted: Answer, seen: Answer) -> None:
    with pytest.raises(DeploymentRefused):
        delete(monkeypatch, deleted, seen)
