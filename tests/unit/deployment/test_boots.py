"""Which boot is taken of several, and what becomes of answers that say too little."""

from __future__ import annotations

import json

import pytest

from byoi_tools.deployment.boots import Boot, BootType, choose_boot, reboot_into
from byoi_tools.deployment.cancel import cancel_task
from byoi_tools.deployment.console import open_console
from byoi_tools.errors import ByoiError, DeploymentFailed, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.server import Task, TaskStatus
from tests.clock import FakeClock
from tests.scripted_api import Answer, Drop, Script, ScriptedApi
from tests.unit.deployment.examples import NAME, ROUTE

RESCUE = Boot(1122, BootType.RESCUE, "rescue-customer")
REBOOT = {"taskId": 5, "function": "hardReboot", "status": "init", "comment": "Reboot asked"}
INSTALLING = Task(7, "reinstallServer", TaskStatus.DOING, "")


def boots(**kernels: str) -> Script:
    script = {f"GET {ROUTE}/boot": Answer([int(boot_id[1:]) for boot_id in kernels])}
    for boot_id, kernel in kernels.items():
        description = {"bootId": int(boot_id[1:]), "bootType": "rescue", "description": "", "kernel": kernel}
        script[f"GET {ROUTE}/boot/{boot_id[1:]}"] = Answer(description)
    return script


@pytest.mark.parametrize(
    ("kernels", "chosen"),
    [
        ({"_1122": "rescue-customer", "_46371": "WinPE-rescue"}, 1122),
        ({"_22": "rescue64-pro", "_1122": "rescue-customer"}, 1122),
        ({"_22": "win-rescue", "_1122": "rescue64-pro"}, 1122),
    ],
)
def test_the_provider_s_linux_is_chosen(monkeypatch: pytest.MonkeyPatch, kernels: dict[str, str], chosen: int) -> None:
    with ScriptedApi(boots(**kernels)) as scripted:
        assert choose_boot(scripted.connect(monkeypatch), NAME, BootType.RESCUE).boot_id == chosen
    assert [request.query for request in scripted.requests if request.path == f"{ROUTE}/boot"] == ["bootType=rescue"]


@pytest.mark.parametrize("kernels", [{}, {"_1": "WinPE"}])
def test_without_a_usable_one_nothing_is_done(monkeypatch: pytest.MonkeyPatch, kernels: dict[str, str]) -> None:
    with ScriptedApi(boots(**kernels)) as scripted, pytest.raises(DeploymentRefused, match="no boot of the type"):
        choose_boot(scripted.connect(monkeypatch), NAME, BootType.RESCUE)


def test_the_reboot_s_task_is_waited_for_through_hiccups(monkeypatch: pytest.MonkeyPatch) -> None:
    task = f"GET {ROUTE}/task/5"
    answers: list[Answer | Drop] = [
        Answer({"message": "no"}, 404),
        Answer({"message": "no"}, 500),
        Drop(),
        Answer(REBOOT | {"status": "done"}),
    ]
    script: Script = {f"PUT {ROUTE}": Answer(None), f"POST {ROUTE}/reboot": Answer(REBOOT), task: answers}
    with ScriptedApi(script) as scripted:
        ended = reboot_into(scripted.connect(monkeypatch), NAME, RESCUE, "ssh-ed25519 AAAA\n", FakeClock())
    assert ended.status is TaskStatus.DONE
    (put,) = (request for request in scripted.requests if request.method == "PUT")
    assert json.loads(put.body) == {"bootId": 1122, "rescueSshKey": "ssh-ed25519 AAAA"}
    assert scripted.count(f"POST {ROUTE}/reboot") == 1


def test_a_reboot_that_is_not_told_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    script: Script = {f"PUT {ROUTE}": Answer(None), f"POST {ROUTE}/reboot": Answer(None)}
    with ScriptedApi(script) as scripted, pytest.raises(OutcomeUnknown):
        reboot_into(scripted.connect(monkeypatch), NAME, RESCUE, None, FakeClock())


def test_a_task_that_never_ends_is_waited_for_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    answer = Answer({"taskId": 7, "function": "reinstallServer", "status": "doing", "comment": ""})
    script: Script = {f"POST {ROUTE}/task/7/cancel": Answer(None), f"GET {ROUTE}/task/7": answer}
    with ScriptedApi(script) as scripted:
        assert cancel_task(scripted.connect(monkeypatch), NAME, INSTALLING, clock).status is TaskStatus.DOING
    assert 300 <= clock.monotonic() < 310


def test_a_task_that_cannot_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Answer({"class": "Client::BadRequest", "message": "Task 7 cannot be cancelled"}, 400)
    with (
        ScriptedApi({f"POST {ROUTE}/task/7/cancel": refusal}) as scripted,
        pytest.raises(DeploymentRefused, match="cannot be cancelled"),
    ):
        cancel_task(scripted.connect(monkeypatch), NAME, INSTALLING, FakeClock())


FEATURES = {"kvmipHtml5URL": True, "serialOverLanURL": True}
ACCESS = {"taskId": 5, "function": "requestAccessIPMI", "status": "done", "comment": ""}


def console(ipmi: Answer, access: object = None, task: object = ACCESS) -> Script:
    return {
        f"GET {ROUTE}": Answer({}),
        f"GET {ROUTE}/features/ipmi": ipmi,
        f"POST {ROUTE}/features/ipmi/access": Answer(task),
        f"GET {ROUTE}/features/ipmi/access": Answer(access),
    }


def test_the_serial_line_where_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    ipmi = Answer({"activated": True, "supportedFeatures": FEATURES | {"kvmipHtml5URL": False}})
    value = {"value": "https://ipmi.example.net/x?s=1", "expiration": None}
    with ScriptedApi(console(ipmi, value)) as scripted:
        found = open_console(scripted.connect(monkeypatch), NAME, FakeClock())
    assert (found.way, found.url.reveal(), found.expires) == ("serialOverLanURL", "https://ipmi.example.net/x?s=1", "")
    assert "ipmi.example" not in repr(found)


@pytest.mark.parametrize(
    ("ipmi", "access", "task", "kind"),
    [
        (Answer({"message": "no"}, 404), None, ACCESS, DeploymentRefused),
        (Answer({"activated": False, "supportedFeatures": FEATURES}), None, ACCESS, DeploymentRefused),
        (Answer({"activated": True, "supportedFeatures": {}}), None, ACCESS, DeploymentRefused),
        (Answer(None), None, ACCESS, DeploymentRefused),
        (Answer({"activated": True, "supportedFeatures": FEATURES}), {"value": None}, ACCESS, DeploymentFailed),
        (
            Answer({"activated": True, "supportedFeatures": FEATURES}),
            {"value": "javascript:x"},
            ACCESS,
            DeploymentFailed,
        ),
        (
            Answer({"activated": True, "supportedFeatures": FEATURES}),
            {"value": "https://x/"},
            ACCESS | {"status": "ovhError"},
            DeploymentFailed,
        ),
    ],
)
def test_no_console(
    monkeypatch: pytest.MonkeyPatch, ipmi: Answer, access: object, task: object, kind: type[ByoiError]
) -> None:
    with ScriptedApi(console(ipmi, access, task)) as scripted, pytest.raises(kind):
        open_console(scripted.connect(monkeypatch), NAME, FakeClock())
