"""The door to the provider's API, with the real `ovh` client and real HTTP on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from byoi_tools.errors import ByoiError, UsageError
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi, clean, server_route
from tests.scripted_api import (
    APPLICATION_KEY,
    APPLICATION_SECRET,
    CONSUMER_KEY,
    QUERY_ID,
    Answer,
    Drop,
    Script,
    ScriptedApi,
    configure,
)

ROUTE = "/dedicated/server/ns1.example.net"


def fail(monkeypatch: pytest.MonkeyPatch, script: Script, method: str = "GET") -> ByoiError:
    with ScriptedApi(script) as scripted, pytest.raises(ByoiError) as failure:
        api = scripted.connect(monkeypatch)
        _ = api.get(ROUTE) if method == "GET" else api.post(ROUTE, {"a": 1})
    shown = "".join(traceback.format_exception(failure.value)) + f"{failure.value.details}{failure.value.remedy}"
    assert not any(secret in shown for secret in (APPLICATION_SECRET, CONSUMER_KEY))
    return failure.value


def error_answer(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> ApiErrorAnswer:
    failure = fail(monkeypatch, {f"GET {ROUTE}": answer})
    assert isinstance(failure, ApiErrorAnswer)
    return failure


def test_a_post_is_signed_as_ovh_describes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi({f"POST {ROUTE}": Answer({"taskId": 7})}) as scripted:
        answer = scripted.connect(monkeypatch).post(ROUTE, {"operatingSystem": "byoi_64"})
        request = scripted.requests[-1]
        url = f"{scripted.url}{ROUTE}"
    assert answer == {"taskId": 7}
    assert json.loads(request.body) == {"operatingSystem": "byoi_64"}
    parts = (APPLICATION_SECRET, CONSUMER_KEY, "POST", url, request.body.decode(), request.headers["X-Ovh-Timestamp"])
    digest = hashlib.sha1("+".join(parts).encode()).hexdigest()  # noqa: S324 - OVH signs so
    assert request.headers["X-Ovh-Signature"] == f"$1${digest}"
    assert request.headers["X-Ovh-Application"] == APPLICATION_KEY


def test_a_query_is_sent_and_a_path_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    route = server_route("a b/c", "/task")
    assert route == "/dedicated/server/a%20b%2Fc/task"
    with ScriptedApi({f"GET {route}": Answer([1])}) as scripted:
        assert scripted.connect(monkeypatch).get(route, status="doing") == [1]
        assert scripted.requests[-1].query == "status=doing"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_leads_to_another_route_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        server_route(name, "/reinstall")


def test_an_answer_of_today_has_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"class": "Client::Conflict::DisturbAlreadyExists", "message": "Server resource ns1 is already locked"}
    failure = error_answer(monkeypatch, Answer(body, 409))
    assert (failure.status, failure.error_class, failure.text, failure.query_id) == (
        409,
        "Client::Conflict::DisturbAlreadyExists",
        "Server resource ns1 is already locked",
        QUERY_ID,
    )
    assert failure.exit_code == 6
    assert QUERY_ID in str(failure.details)


def test_an_answer_of_the_front_door_has_an_error_code(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"errorCode": "INVALID_SIGNATURE", "httpCode": "400 Bad Request", "message": "Invalid signature"}
    failure = error_answer(monkeypatch, Answer(body, 400))
    assert (failure.status, failure.error_class, failure.text) == (400, "INVALID_SIGNATURE", "Invalid signature")


def test_denied_actions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {
        "class": "Client::Forbidden",
        "message": "User not granted for this request",
        "details": {"unauthorizedActionsByIAM": "dedicatedServer:apiovh:get"},
    }
    assert error_answer(monkeypatch, Answer(body, 403)).denied_actions == "dedicatedServer:apiovh:get"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=502, text="<html>Bad Gateway</html>", content_type="text/html"),
        Answer(status=500, text=""),
        Answer(None, 500),
        Answer(["message"], 503),
        Answer({"message": None, "class": 7, "details": []}, 500),
    ],
)
def test_a_server_error_of_any_shape_keeps_its_status(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    assert error_answer(monkeypatch, answer).status == answer.status


def test_success_without_json_is_no_usable_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = fail(monkeypatch, {f"POST {ROUTE}": Answer(text="<html>", content_type="text/html")}, "POST")
    assert isinstance(failure, NoApiAnswer)
    assert failure.was_sent


def test_a_lost_answer_may_have_been_sent_and_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi({f"POST {ROUTE}": Drop()}) as scripted, pytest.raises(NoApiAnswer) as failure:
        scripted.connect(monkeypatch).post(ROUTE, {})
    assert failure.value.was_sent
    assert scripted.count(f"POST {ROUTE}") == 1


def test_a_refused_connection_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi({}) as scripted:
        api = scripted.connect(monkeypatch)
        api.get("/auth/time")
    with pytest.raises(NoApiAnswer) as failure:
        api.post(ROUTE, {})
    assert not failure.value.was_sent


def test_an_unreachable_api_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        configure(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}/1.0")
    with pytest.raises(NoApiAnswer) as failure:
        OvhApi.from_configuration().get(ROUTE)
    assert failure.value.details == "Connection refused"


@pytest.mark.parametrize(
    "time_answer",
    [
        Answer("noon"),
        Answer(text="<html>", content_type="text/html"),
        Answer({"message": "no"}, 503),
        Answer([], 500),
        Drop(),
    ],
)
def test_without_the_time_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, time_answer: Answer | Drop) -> None:
    with ScriptedApi({"GET /auth/time": time_answer}) as scripted, pytest.raises(NoApiAnswer) as failure:
        scripted.connect(monkeypatch).post(ROUTE, {})
    assert not failure.value.was_sent
    assert scripted.count(f"POST {ROUTE}") == 0


def test_an_error_does_not_quote_secrets_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"message": "cannot use https://h.example/i.raw?X-Amz-Signature=5167 with\nheader glpat-123\x1b[2J"}
    with ScriptedApi({f"POST {ROUTE}": Answer(body, 400)}) as scripted, pytest.raises(ApiErrorAnswer) as failure:
        scripted.connect(monkeypatch).post(ROUTE, {}, secrets=("glpat-123",))
    assert failure.value.text == "cannot use https://h.example/i.raw?[redacted] with header [redacted] [2J"


def test_a_text_of_the_provider_is_not_endless() -> None:
    assert len(clean("x" * 10**6)) < 1100


@pytest.mark.parametrize("endpoint", ["http://localhost:1/1.0", "http://[::1]:1/1.0", "https://api.example.net/1.0/"])
def test_an_endpoint_may_be_a_url(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    configure(monkeypatch, endpoint)
    OvhApi.from_configuration()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://api.example.net/1.0",
        "http://127.0.0.1.example.net/1.0",
        "ftp://127.0.0.1/1.0",
        "https://user:hunter2@api.example.net/1.0",
        "https://api.example.net/1.0?token=hunter2",
        "https://[broken/1.0",
        "https://api.example.net:99999/1.0",
        "https:///1.0",
        "ovh-moon",
        "",
    ],
)
def test_an_unusable_endpoint_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    configure(monkeypatch, endpoint)
    with pytest.raises(UsageError) as failure:
        OvhApi.from_configuration()
    assert "hunter2" not in f"{failure.value.message}{failure.value.details}{failure.value.remedy}"


def test_half_of_the_credentials_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, "ovh-eu")
    monkeypatch.delenv("OVH_APPLICATION_SECRET")
    with pytest.raises(UsageError, match="incomplete"):
        OvhApi.from_configuration()


def test_a_missing_consumer_key_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedApi({}) as scripted:
        configure(monkeypatch, scripted.url)
        monkeypatch.setenv("OVH_CONSUMER_KEY", "")
        with pytest.raises(UsageError, match="consumer key"):
            OvhApi.from_configuration().get(ROUTE)


@pytest.mark.parametrize("name", ["OVH_APPLICATION_KEY", "OVH_CONSUMER_KEY"])
@pytest.mark.parametrize("key", ["hunter2\nX-Evil: 1", "hunter2€"])
def test_a_key_that_no_header_can_carry_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, name: str, key: str) -> None:
    with ScriptedApi({f"GET {ROUTE}": Answer({})}) as scripted:
        configure(monkeypatch, scripted.url)
        monkeypatch.setenv(name, key)
        with pytest.raises(UsageError) as failure:
            OvhApi.from_configuration().get(ROUTE)
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))


SCRIPT = """
from byoi_tools.errors import ByoiError
from byoi_tools.tools.ovh.api import OvhApi
try:
    print(OvhApi.from_configuration().get("/dedicated/server/ns1.example.net"))
except ByoiError as error:
    print(type(error).__name__, error.message, error.details, error.remedy)
"""


def run_with_ovh_conf(directory: Path, text: str) -> str:
    (directory / "ovh.conf").write_text(text, encoding="latin-1")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OVH_")} | {
        "HOME": str(directory),
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(Path(__file__).parents[4]),
    }
    argv = [sys.executable, "-c", SCRIPT]
    return subprocess.run(argv, cwd=directory, env=environment, check=True, capture_output=True, text=True).stdout


def test_ovh_conf_of_the_directory_is_read(tmp_path: Path) -> None:
    keys = "application_key=a\napplication_secret=b\nconsumer_key=c\n"
    with ScriptedApi({f"GET {ROUTE}": Answer({"name": "found"})}) as scripted:
        text = f"[default]\nendpoint={scripted.url}\n\n[{scripted.url}]\n{keys}"
        assert run_with_ovh_conf(tmp_path, text) == "{'name': 'found'}\n"


@pytest.mark.parametrize(
    "text", ["application_secret=hunter2\n", "[default]\nendpoint=ovh-eu\n hunter2\n[hunter2\n", "\xff"]
)
def test_a_broken_ovh_conf_is_a_usage_error_that_quotes_nothing(tmp_path: Path, text: str) -> None:
    shown = run_with_ovh_conf(tmp_path, text)
    assert shown.startswith("UsageError")
    assert "hunter2" not in shown


def test_importing_the_door_does_not_import_ovh() -> None:
    code = "import sys, byoi_tools.tools.ovh.api; print('ovh' in sys.modules, 'requests' in sys.modules)"
    argv = [sys.executable, "-c", code]
    root = Path(__file__).parents[4]
    done = subprocess.run(argv, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout == "False False\n"
