from __future__ import annotations

import hashlib
import http.client
import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from tests.unit.simulator.outside import SERVER, Api, small_server

NOW = 1_800_000_000
CREDENTIALS = Credentials("the-key", "the-secret", "the-consumer")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator whose clock stands still, far from the machine's."""
    with Simulator([small_server()], directory=tmp_path, credentials=CREDENTIALS, clock=lambda: NOW) as running:
        yield running


def ask(simulator: Simulator, path: str, *, at: int = NOW, sign: str | None = None, **more: str) -> tuple[int, object]:
    """Make one GET with headers written by hand, the signature after OVH's first-steps guide."""
    url = simulator.url + path
    text = f"the-secret+the-consumer+GET+{url}++{at}"
    headers = {
        "X-Ovh-Application": "the-key",
        "X-Ovh-Consumer": "the-consumer",
        "X-Ovh-Timestamp": str(at),
        "X-Ovh-Signature": sign or "$1$" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
    } | {name.replace("_", "-"): value for name, value in more.items()}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/1.0" + path, headers=headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def test_the_time_is_public_and_the_simulators_own(simulator: Simulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    connection.request("GET", "/1.0/auth/time")
    assert json.loads(connection.getresponse().read()) == NOW


def test_the_ovh_client_is_let_in_although_its_clock_differs(simulator: Simulator) -> None:
    assert abs(time.time() - NOW) > 3600
    assert Api(simulator).get("/dedicated/server") == ["ns1.simulated"]


def test_a_signature_made_by_hand_is_accepted_with_its_query_string(simulator: Simulator) -> None:
    path = f"{SERVER}/task?function=reinstallServer&status=done"
    assert ask(simulator, path) == (200, [])


def test_a_signature_by_another_secret_is_refused(simulator: Simulator) -> None:
    forged = replace(CREDENTIALS, application_secret="another")
    assert Api(simulator, forged).get_refusal("/dedicated/server") == (
        400,
        {"errorCode": "INVALID_SIGNATURE", "httpCode": "400 Bad Request", "message": "Invalid signature"},
    )


def test_a_signature_for_another_path_is_refused(simulator: Simulator) -> None:
    other = f"the-secret+the-consumer+GET+{simulator.url}/dedicated/server++{NOW}"
    status, body = ask(simulator, SERVER, sign="$1$" + hashlib.sha1(other.encode(), usedforsecurity=False).hexdigest())
    assert (status, body) == (
        400,
        {"errorCode": "INVALID_SIGNATURE", "httpCode": "400 Bad Request", "message": "Invalid signature"},
    )


@pytest.mark.parametrize(("offset", "status"), [(-30, 200), (30, 200), (-60, 400), (60, 400)])
def test_a_clock_that_is_a_minute_off_is_refused(simulator: Simulator, offset: int, status: int) -> None:
    assert ask(simulator, "/dedicated/server", at=NOW + offset)[0] == status


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "9" * 5000, "²"])
def test_a_timestamp_that_is_no_number_is_refused(simulator: Simulator, timestamp: str) -> None:
    # Latin-1 is what http.client sends headers in.
    assert ask(simulator, "/dedicated/server", X_Ovh_Timestamp=timestamp)[0] == 400


def test_an_unknown_consumer_key_is_refused(simulator: Simulator) -> None:
    assert Api(simulator, replace(CREDENTIALS, consumer_key="another")).get_refusal("/dedicated/server") == (
        403,
        {
            "errorCode": "INVALID_CREDENTIAL",
            "httpCode": "403 Forbidden",
            "message": "This credential is not valid",
        },
    )


def test_an_unknown_application_is_refused(simulator: Simulator) -> None:
    status, body = Api(simulator, replace(CREDENTIALS, application_key="another")).get_refusal("/dedicated/server")
    assert (status, body["errorCode"]) == (403, "INVALID_KEY")


def test_rights_to_the_servers_do_not_cover_their_list(tmp_path: Path) -> None:
    """So it is at OVH: `/dedicated/server/*` does not grant `/dedicated/server`."""
    limited = replace(CREDENTIALS, rules=(AccessRule("GET", "/dedicated/server/*"),))
    with Simulator([small_server()], directory=tmp_path, credentials=limited) as simulator:
        api = Api(simulator)
        assert api.get_object(SERVER)["name"] == "ns1.simulated"
        for status, body in (
            api.get_refusal("/dedicated/server"),
            api.post_refusal(f"{SERVER}/reinstall", {"operatingSystem": "byoi_64"}),
        ):
            assert status == 403
            assert body["class"] == "Client::Forbidden"
            assert body["message"] == "User not granted for this request"


def test_secrets_are_neither_shown_nor_logged(tmp_path: Path) -> None:
    log = io.StringIO()
    with Simulator([small_server()], directory=tmp_path, credentials=CREDENTIALS, log=log) as simulator:
        Api(simulator).get("/dedicated/server?iamTags=a-secret-query")
    assert "GET /1.0/dedicated/server 200" in log.getvalue().splitlines()
    for secret in ("the-secret", "the-consumer", "a-secret-query", "$1$"):
        assert secret not in log.getvalue() + repr(CREDENTIALS)
