"""The facts of a server, from answers as the API gives them (values of OVHcloud's guides, nulls of its schema)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.deployment.facts import read_server, read_template_inputs
from byoi_tools.deployment.status import read_status
from byoi_tools.errors import ByoiError, DeploymentRefused
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.planned import TemplateInput
from byoi_tools.model.deployment.server import DiskGroup, Server, StepStatus, Task, TaskStatus
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.intent import Target
from byoi_tools.tools.ovh.api import ApiErrorAnswer
from tests.scripted_api import Answer, Drop, Script, ScriptedApi
from tests.unit.deployment.examples import NAME, NO_CONTROLLER, ROUTE

HARDWARE: dict[str, object] = {
    "bootMode": "uefi",
    "memorySize": {"unit": "MB", "value": 65536},
    "diskGroups": [
        {
            "diskGroupId": 1,
            "diskType": "NVME",
            "diskSize": {"unit": "GB", "value": 480},
            "numberOfDisks": 2,
            "raidController": None,
        },
        {"diskGroupId": 2, "diskType": None, "diskSize": None, "numberOfDisks": None, "raidController": "MegaRaid"},
    ],
    "defaultDiskGroupId": 1,
}
TASK = {"taskId": 42, "function": "reinstallServer", "status": "doing", "comment": "Start bare metal OS installation"}
NO_GRANT = {"errorCode": "NOT_GRANTED_CALL", "httpCode": "403 Forbidden", "message": "This call has not been granted"}
NO_IAM = {"class": "Client::Forbidden", "message": "User not granted for this request"}


def script(**changes: Answer | Drop) -> Script:
    answers: dict[str, Answer | Drop] = {
        f"GET {ROUTE}": Answer({"name": NAME}),
        f"GET {ROUTE}/specifications/hardware": changes.get("hardware", Answer(HARDWARE)),
        f"GET {ROUTE}/install/compatibleTemplates": changes.get(
            "templates", Answer({"ovh": ["byoi_64", "debian12_64"], "personal": None})
        ),
        f"GET {ROUTE}/install/status": changes.get("progress", Answer({"message": "Server is not being"}, 404)),
        f"GET {ROUTE}/task": changes.get("tasks", Answer([])),
        f"GET {ROUTE}/task/42": changes.get("task", Answer(TASK)),
    }
    return answers | ({f"GET {ROUTE}": changes["server"]} if "server" in changes else {})


def read(monkeypatch: pytest.MonkeyPatch, **changes: Answer | Drop) -> Server:
    with ScriptedApi(script(**changes)) as scripted:
        return read_server(scripted.connect(monkeypatch), NAME)


def test_all_facts_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch)
    assert server.boot_modes == Known(frozenset({BootMode.UEFI}))
    assert server.memory_bytes == Known(64 * 2**30)
    assert server.templates == Known(frozenset({"byoi_64", "debian12_64"}))
    assert server.running_tasks == ()
    assert isinstance(server.disk_groups, Known)
    nvme, other = server.disk_groups.value
    assert nvme == DiskGroup(1, Known(2), Known(480_000_000_000), "NVME", NO_CONTROLLER)
    assert (other.disk_type, other.raid_controller) == ("", Known("MegaRaid"))
    assert isinstance(other.disk_size_bytes, NotExamined)
    assert isinstance(other.disk_count, NotExamined)


def test_the_checks_are_told_of_the_group_that_will_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch)
    assert server.target(None) == Target(Known(64 * 2**30), Known(480 * 10**9), Known(512), NO_CONTROLLER)
    assert server.target(2).raid_controller == Known("MegaRaid")
    assert isinstance(server.target(2).disk_bytes, NotExamined)
    assert isinstance(server.target(9).disk_bytes, NotExamined)


@pytest.mark.parametrize(
    ("word", "modes"),
    [
        ("legacy", {BootMode.LEGACY}),
        ("uefi-legacy", {BootMode.UEFI, BootMode.LEGACY}),
        ("coreboot", None),
        (None, None),
    ],
)
def test_boot_modes(monkeypatch: pytest.MonkeyPatch, word: str | None, modes: set[BootMode] | None) -> None:
    server = read(monkeypatch, hardware=Answer(HARDWARE | {"bootMode": word}))
    if modes is None:
        assert isinstance(server.boot_modes, NotExamined)
    else:
        assert server.boot_modes == Known(frozenset(modes))


@pytest.mark.parametrize(
    "size",
    [
        None,
        {},
        {"unit": "MB"},
        {"unit": "furlong", "value": 7},
        {"unit": "MB", "value": 0},
        {"unit": "MB", "value": True},
        7,
    ],
)
def test_a_size_that_cannot_be_read_is_not_examined(monkeypatch: pytest.MonkeyPatch, size: object) -> None:
    server = read(monkeypatch, hardware=Answer(HARDWARE | {"memorySize": size}))
    assert isinstance(server.memory_bytes, NotExamined)


@pytest.mark.parametrize("groups", [None, "none", [{"diskGroupId": None}], [None]])
def test_disk_groups_that_cannot_be_read_are_not_examined(monkeypatch: pytest.MonkeyPatch, groups: object) -> None:
    server = read(monkeypatch, hardware=Answer(HARDWARE | {"diskGroups": groups}))
    assert isinstance(server.disk_groups, NotExamined)
    assert isinstance(server.disk_group(1), NotExamined)
    assert isinstance(server.target(None).disk_bytes, NotExamined)


@pytest.mark.parametrize("answer", [{"ovh": None, "personal": []}, None, []])
def test_templates_may_be_missing(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    assert isinstance(read(monkeypatch, templates=Answer(answer)).templates, NotExamined)


def test_hardware_of_another_shape_leaves_nothing_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch, hardware=Answer(["uefi"]))
    facts = (server.boot_modes, server.memory_bytes, server.disk_groups)
    assert all(isinstance(fact, NotExamined) for fact in facts)


def test_running_tasks_are_read_by_status(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = dict(script()) | {f"GET {ROUTE}/task?status=doing": Answer([42, 43])}
    answers[f"GET {ROUTE}/task/43"] = Answer({"message": "purged meanwhile"}, 404)
    with ScriptedApi(answers) as scripted:
        server = read_server(scripted.connect(monkeypatch), NAME)
        asked = {request.query for request in scripted.requests if request.path == f"{ROUTE}/task"}
    assert asked == {"status=init", "status=todo", "status=doing"}
    assert server.running_tasks == (Task(42, "reinstallServer", TaskStatus.DOING, TASK["comment"]),)  # type: ignore[arg-type]  # a str


def test_a_task_that_ended_meanwhile_is_not_running(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, tasks=Answer([42]), task=Answer(TASK | {"status": "done"})).running_tasks == ()


def test_a_task_of_an_unknown_status_counts_as_running(monkeypatch: pytest.MonkeyPatch) -> None:
    server = read(monkeypatch, tasks=Answer([42, True, "x"]), task=Answer(TASK | {"status": "paused"}))
    assert [task.status for task in server.running_tasks] == [TaskStatus.DOING]


def refusal(monkeypatch: pytest.MonkeyPatch, **changes: Answer | Drop) -> DeploymentRefused:
    with pytest.raises(DeploymentRefused) as failure:
        read(monkeypatch, **changes)
    return failure.value


def test_an_unknown_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer({"class": "Client::NotFound", "message": "This service does not exist"}, 404)
    failure = refusal(monkeypatch, server=answer)
    assert failure.message == f"the API knows no server {NAME}"
    assert "This service does not exist" in str(failure.details)


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (400, "INVALID_SIGNATURE", "application secret"),
        (403, "INVALID_CREDENTIAL", "consumer key"),
        (403, "INVALID_KEY", "application key"),
        (401, "NOT_CREDENTIAL", "consumer key"),
        (400, "QUERY_TIME_OUT", "clock"),
    ],
)
def test_wrong_credentials_are_refused(monkeypatch: pytest.MonkeyPatch, status: int, code: str, cause: str) -> None:
    failure = refusal(monkeypatch, server=Answer({"errorCode": code, "message": "no"}, status))
    assert failure.message == "the API refuses the credentials"
    assert cause in str(failure.details)


@pytest.mark.parametrize("body", [NO_GRANT, NO_IAM])
def test_a_missing_right_is_named(monkeypatch: pytest.MonkeyPatch, body: dict[str, str]) -> None:
    failure = refusal(monkeypatch, hardware=Answer(body, 403))
    assert f"GET {ROUTE}/specifications/hardware" in failure.message
    assert "GET /dedicated/server/*" in failure.remedy
    assert "dedicatedServer:apiovh:specifications/hardware/get" in failure.remedy


@pytest.mark.parametrize(
    ("route", "action"),
    [("server", "dedicatedServer:apiovh:get"), ("tasks", "dedicatedServer:apiovh:task/get")],
)
def test_the_action_is_that_of_the_route(monkeypatch: pytest.MonkeyPatch, route: str, action: str) -> None:
    assert action in refusal(monkeypatch, **{route: Answer(NO_IAM, 403)}).remedy


def test_the_action_of_a_single_task_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = refusal(monkeypatch, tasks=Answer([42]), task=Answer(NO_IAM, 403))
    assert "dedicatedServer:apiovh:task/get" in failure.remedy


def test_the_action_that_the_api_names_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    body = NO_IAM | {"details": {"unauthorizedActionsByIAM": "dedicatedServer:apiovh:other"}}
    assert "dedicatedServer:apiovh:other" in refusal(monkeypatch, server=Answer(body, 403)).remedy


@pytest.mark.parametrize("part", ["server", "hardware", "templates", "tasks"])
@pytest.mark.parametrize("answer", [Answer({"message": "Internal server error"}, 500), Drop()])
def test_half_of_the_facts_are_not_enough(monkeypatch: pytest.MonkeyPatch, part: str, answer: Answer | Drop) -> None:
    with pytest.raises(ByoiError) as failure:
        read(monkeypatch, **{part: answer})
    assert failure.value.exit_code == 6


def test_a_missing_part_of_a_known_server_is_not_an_unknown_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiErrorAnswer) as failure:
        read(monkeypatch, hardware=Answer({"message": "not found"}, 404))
    assert failure.value.status == 404


def test_the_status_of_an_idle_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi(script()) as scripted:
        status = read_status(scripted.connect(monkeypatch), NAME)
    assert (status.server, status.running_tasks, status.progress) == (NAME, (), None)
    assert status.installation_task is None


def test_the_status_of_a_busy_server(monkeypatch: pytest.MonkeyPatch) -> None:
    step = {"comment": "Downloading OS image", "status": "doing", "error": ""}
    progress = Answer({"elapsedTime": 74, "progress": [step]})
    with ScriptedApi(script(tasks=Answer([42]), progress=progress)) as scripted:
        status = read_status(scripted.connect(monkeypatch), NAME)
    assert status.progress is not None
    assert status.progress.elapsed_seconds == 74
    assert [(step.comment, step.status) for step in status.progress.steps] == [
        ("Downloading OS image", StepStatus.DOING)
    ]
    assert status.installation_task is not None
    assert status.installation_task.task_id == 42
    rebooting = replace(status.running_tasks[0], function="hardReboot")
    assert replace(status, running_tasks=(rebooting,)).installation_task is None


def test_the_status_of_an_unknown_server(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = script(server=Answer({"message": "This service does not exist"}, 404))
    with ScriptedApi(changes) as scripted, pytest.raises(DeploymentRefused, match="knows no server"):
        read_status(scripted.connect(monkeypatch), NAME)


OVERVIEW = {
    "name": NAME,
    "bootId": 1122,
    "monitoring": True,
    "noIntervention": False,
    "os": "debian12_64",
    "rescueSshKey": None,
}


def overview(monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], boot: Answer) -> Server:
    answers = dict(script(server=Answer(OVERVIEW | changes))) | {f"GET {ROUTE}/boot/1122": boot}
    with ScriptedApi(answers) as scripted:
        return read_server(scripted.connect(monkeypatch), NAME)


RESCUE = Answer({"bootId": 1122, "bootType": "rescue", "description": "Rescue", "kernel": "rescue12"})


def test_the_state_of_the_server_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    server = overview(monkeypatch, {}, RESCUE)
    assert server.boot_type == Known("rescue")
    assert (server.is_monitored, server.forbids_intervention) == (Known(True), Known(False))
    assert (server.installed_system, server.has_rescue_key) == (Known("debian12_64"), Known(False))
    assert overview(monkeypatch, {"rescueSshKey": "ssh-ed25519 AAAA"}, RESCUE).has_rescue_key == Known(True)


@pytest.mark.parametrize(
    "boot", [Answer(NO_IAM, 403), Answer({"message": "gone"}, 404), Answer({"bootType": None}), Answer([])]
)
def test_a_boot_that_is_not_told_is_not_examined(monkeypatch: pytest.MonkeyPatch, boot: Answer) -> None:
    assert isinstance(overview(monkeypatch, {}, boot).boot_type, NotExamined)


def test_nulls_of_the_overview_are_not_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    server = overview(monkeypatch, {"bootId": None, "monitoring": None, "os": None, "noIntervention": "no"}, RESCUE)
    facts = (server.boot_type, server.is_monitored, server.installed_system, server.forbids_intervention)
    assert all(isinstance(fact, NotExamined) for fact in facts)
    assert isinstance(read(monkeypatch).has_rescue_key, NotExamined)
    assert isinstance(read(monkeypatch).architecture, NotExamined)


def inputs(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> Fact[tuple[TemplateInput, ...]]:
    with ScriptedApi({"GET /dedicated/installationTemplate/byoi_64": answer}) as scripted:
        return read_template_inputs(scripted.connect(monkeypatch), "byoi_64")


def test_the_inputs_of_a_template_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields of OVHcloud's guide "Install an OS via the OVHcloud API"."""
    listed = [
        {"name": "imageType", "description": "", "default": None, "mandatory": True, "type": "enum", "enum": ["raw"]},
        {"name": "hostname", "description": "", "default": "x", "mandatory": False, "type": "hostname", "enum": None},
        {"name": None},
        7,
    ]
    assert inputs(monkeypatch, Answer({"inputs": listed})) == Known(
        (
            TemplateInput("imageType", is_mandatory=True, has_default=False, choices=("raw",)),
            TemplateInput("hostname", is_mandatory=False, has_default=True, choices=()),
        )
    )


@pytest.mark.parametrize(
    "answer", [Answer({"inputs": None}), Answer({"inputs": []}), Answer({}), Answer(NO_GRANT, 403), Answer({}, 404)]
)
def test_inputs_that_are_not_listed_are_not_examined(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    assert isinstance(inputs(monkeypatch, answer), NotExamined)
