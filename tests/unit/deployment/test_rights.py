"""The rights of a consumer key (`api.Credential`, as OVH describes /auth), and what is done without them."""

from __future__ import annotations

import pytest

from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.rights import needed_rights, read_rights, refuse_missing_reads
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.planned import AccessRule
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.tools.ovh.api import ApiErrorAnswer
from tests.scripted_api import Answer, ScriptedApi
from tests.unit.deployment.examples import NAME

CREDENTIAL = {
    "allowedIPs": None,
    "applicationId": 1,
    "creation": "2026-11-01T10:00:00+00:00",
    "credentialId": 2,
    "expiration": None,
    "lastUse": None,
    "ovhSupport": False,
    "rules": [
        {"method": "GET", "path": "/dedicated/server/*"},
        {"method": "POST", "path": "/dedicated/server/*/reinstall"},
    ],
    "status": "validated",
}


def read(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> Fact[tuple[AccessRule, ...]]:
    with ScriptedApi({"GET /auth/currentCredential": answer}) as scripted:
        return read_rights(scripted.connect(monkeypatch))


def test_the_rules_of_a_key_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = read(monkeypatch, Answer(CREDENTIAL))
    assert rules == Known(
        (AccessRule("GET", "/dedicated/server/*"), AccessRule("POST", "/dedicated/server/*/reinstall"))
    )
    refuse_missing_reads(NAME, rules)


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"class": "Client::Forbidden", "message": "User not granted for this request"}, 403),
        Answer({"message": "Internal server error"}, 500),
        Answer(CREDENTIAL | {"rules": None}),
        Answer({}),
        Answer([]),
    ],
)
def test_rules_that_are_not_told_are_not_examined(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    rules = read(monkeypatch, answer)
    assert isinstance(rules, NotExamined)
    refuse_missing_reads(NAME, rules)


@pytest.mark.parametrize(
    ("rule", "is_covered"),
    [
        (("GET", "/dedicated/server/*"), True),
        (("GET", "/*"), True),
        (("GET", f"/dedicated/server/{NAME}/task/*"), True),
        (("GET", f"/dedicated/server/{NAME}/task"), False),
        (("GET", "/dedicated/server"), False),
        (("POST", "/dedicated/server/*"), False),
        (("", ""), False),
    ],
)
def test_a_star_stands_for_anything(rule: tuple[str, str], is_covered: bool) -> None:
    """OVHcloud, "First steps with the API": `/dedicated/server/*` is all below it."""
    assert AccessRule(*rule).covers(AccessRule("GET", f"/dedicated/server/{NAME}/task/1")) is is_covered


def test_every_missing_right_is_named_before_anything_is_asked() -> None:
    with pytest.raises(DeploymentRefused) as refusal:
        refuse_missing_reads(NAME, Known((AccessRule("GET", f"/dedicated/server/{NAME}"),)))
    missing = str(refusal.value.details).splitlines()
    assert len(missing) == len(needed_rights(NAME)) - 1
    assert f"no rule allows POST /dedicated/server/{NAME}/reinstall" in missing


def test_a_key_that_may_only_read_is_enough_to_compare() -> None:
    refuse_missing_reads(NAME, Known((AccessRule("GET", "/dedicated/server/*"),)))


@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("GET", "get"),
        ("PUT", "put"),
        ("POST /reboot", "reboot"),
        ("POST /task/12/cancel", "task/cancel"),
        ("GET /task/12", "task/get"),
        ("POST /features/ipmi/access", "features/ipmi/access/create"),
        ("GET /features/ipmi/access", "features/ipmi/access/get"),
    ],
)
def test_the_action_of_a_denied_call_is_the_one_of_ovhs_description(call: str, action: str) -> None:
    """OVH's OpenAPI, `x-iam-actions` of each route; the API itself does not always name it."""
    method, _, suffix = call.partition(" ")
    denied = ApiErrorAnswer(f"{method} /dedicated/server/{NAME}{suffix}", 403, "Client::Forbidden", "no", "", "")
    with pytest.raises(DeploymentRefused) as refusal:
        refuse_denial(NAME, denied)
    assert f"dedicatedServer:apiovh:{action}." in refusal.value.remedy
