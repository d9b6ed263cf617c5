"""The simulator's real answers, held against OVH's own OpenAPI of `/dedicated/server`, where that is at hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from byoi_tools.simulator.condition import NULLABLE, Condition
from byoi_tools.simulator.descriptions import describe_credential
from byoi_tools.simulator.routes import ROUTES
from byoi_tools.simulator.servers import default_servers
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import Credentials
from tests.unit.simulator.bad_orders import REFUSALS
from tests.unit.simulator.outside import Api, ImageHost, make_mbr_image, order, small_server

OPENAPI = Path(__file__).parents[2] / "../shared/reference/ovh-dedicated-server.openapi.json"
SERVER = "/dedicated/server/{serviceName}"
NAME = "ns2.simulated"
REINSTALL = f"{SERVER}/reinstall"
OLD_API = f"{SERVER}/bringYourOwnImage"
IPMI = f"{SERVER}/features/ipmi"

Document = dict[str, object]

pytestmark = pytest.mark.skipif(not OPENAPI.is_file(), reason="OVH's OpenAPI document is not at hand")


def find(document: object, *keys: str) -> dict[str, object]:
    for key in keys:
        assert isinstance(document, dict)
        document = document[key]
    assert isinstance(document, dict)
    return document


def to_json_schema(node: object) -> object:
    """Turn OpenAPI 3.0 into JSON Schema: `nullable` becomes a type, and objects take no unknown keys."""
    if isinstance(node, list):
        return [to_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    schema = {key: to_json_schema(value) for key, value in node.items() if key != "nullable"}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") is True else schema


@pytest.fixture(scope="module")
def document() -> Document:
    loaded = json.loads(OPENAPI.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(default_servers(), directory=tmp_path_factory.mktemp("servers"), pace_seconds=0.05) as running:
        yield running


@pytest.fixture(scope="module")
def image_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageHost]:
    folder = tmp_path_factory.mktemp("images")
    make_mbr_image(folder / "mbr.raw")
    with ImageHost(folder) as host:
        yield host


def validate(document: Document, method: str, path: str, answer: object) -> None:
    """Raise `jsonschema.ValidationError` unless `answer` is what the document promises for that route."""
    success = find(document, "paths", path, method, "responses", "200")
    validate_as(document, find(success, "content", "application/json", "schema"), answer)


def validate_as(document: Document, promised: dict[str, object], answer: object) -> None:
    """Raise `jsonschema.ValidationError` unless `answer` is of a schema of the document's."""
    schema = find({"schema": to_json_schema(promised)}, "schema")
    schemas = to_json_schema(find(document, "components", "schemas"))
    validator = jsonschema.Draft202012Validator(
        schema | {"components": {"schemas": schemas}}, format_checker=jsonschema.FormatChecker()
    )
    validator.validate(answer)


def ask(api: Api, document: Document, path: str, **arguments: object) -> object:
    """GET a route by its template and validate the answer."""
    answer = api.get(path.format(serviceName=NAME, **arguments))
    validate(document, "get", path, answer)
    return answer


def test_facts_about_a_server(simulator: Simulator, document: Document) -> None:
    api = Api(simulator)
    assert ask(api, document, "/dedicated/server") == ["ns1.simulated", "ns2.simulated"]
    for path in ("", "/specifications/hardware", "/install/compatibleTemplates", "/task"):
        ask(api, document, SERVER + path)


def test_boots(simulator: Simulator, document: Document) -> None:
    api = Api(simulator)
    boots = ask(api, document, f"{SERVER}/boot")
    assert isinstance(boots, list)
    kinds = [ask(api, document, f"{SERVER}/boot/{{bootId}}", bootId=boot_id) for boot_id in boots]
    assert {str(kind["bootType"]) for kind in kinds if isinstance(kind, dict)} >= {"harddisk", "rescue"}
    validate(document, "get", f"{SERVER}/boot", api.get(f"/dedicated/server/{NAME}/boot?bootType=rescue"))


@pytest.mark.parametrize(
    "condition",
    [
        Condition(unknown=NULLABLE),
        Condition(boot_type="rescue", rescue_ssh_key="ssh-ed25519 AAAA", monitoring=True, no_intervention=True),
        Condition(architecture="arm64", raid_controller="MegaRAID 9361-8i", installed_system="debian12_64"),
    ],
    ids=["nulls", "rescue", "hardware"],
)
def test_facts_about_a_server_in_any_condition(tmp_path: Path, document: Document, condition: Condition) -> None:
    """What is null here may be null by OVH's document."""
    server = replace(default_servers()[1], condition=condition)
    with Simulator([server], directory=tmp_path) as odd:
        api = Api(odd)
        for path in ("", "/specifications/hardware", "/install/compatibleTemplates"):
            ask(api, document, SERVER + path)


def test_the_accesses_to_a_server(simulator: Simulator, document: Document) -> None:
    answer = Api(simulator).post(f"/dedicated/server/{NAME}/authenticationSecret")
    validate(document, "post", f"{SERVER}/authenticationSecret", answer)


def test_the_credential_has_the_fields_of_the_api() -> None:
    """`api.Credential` of OVH's description of /auth, which has a document of its own."""
    told = describe_credential(Credentials.generate(), 1_764_000_000.0)
    assert set(told) == {
        *("allowedIPs", "applicationId", "creation", "credentialId", "expiration"),
        *("lastUse", "ovhSupport", "rules", "status"),
    }
    assert told["status"] == "validated"


def test_an_installation_from_the_order_to_its_end(
    simulator: Simulator, document: Document, image_host: ImageHost
) -> None:
    api = Api(simulator)
    body = order(image_host.url("/files/mbr.raw"), hostname="tux")
    answer = api.post(REINSTALL.format(serviceName=NAME), body)
    validate(document, "post", REINSTALL, answer)
    assert isinstance(answer, dict)
    task_id = answer["taskId"]
    ask(api, document, f"{SERVER}/install/status")
    ask(api, document, f"{SERVER}/task/{{taskId}}", taskId=task_id)
    assert simulator.wait_until_idle(60)
    task = ask(api, document, f"{SERVER}/task/{{taskId}}", taskId=task_id)
    assert isinstance(task, dict) and task["status"] == "done"
    ask(api, document, SERVER)


def test_the_steps_of_a_failed_and_of_a_cancelled_installation(
    simulator: Simulator, document: Document, image_host: ImageHost
) -> None:
    api = Api(simulator)
    assert simulator.wait_until_idle(60)
    reinstall = REINSTALL.format(serviceName=NAME)
    api.post(reinstall, order(image_host.url("/files/none.raw")))
    assert simulator.wait_until_idle(60)
    ask(api, document, f"{SERVER}/install/status")
    answer = api.post(reinstall, order(image_host.url("/stalled")))
    assert isinstance(answer, dict)
    api.post(f"/dedicated/server/{NAME}/task/{answer['taskId']}/cancel")
    assert simulator.wait_until_idle(60)
    task = ask(api, document, f"{SERVER}/task/{{taskId}}", taskId=answer["taskId"])
    assert isinstance(task, dict) and task["status"] == "cancelled"


def test_rescue_reboot_and_console(tmp_path: Path, document: Document) -> None:
    with Simulator(default_servers(), directory=tmp_path) as simulator:
        api = Api(simulator)
        boots = api.get(f"/dedicated/server/{NAME}/boot?bootType=rescue")
        assert isinstance(boots, list)
        (rescue,) = boots
        ask(api, document, f"{SERVER}/boot/{{bootId}}", bootId=rescue)
        wishes = {"bootId": rescue, "rescueSshKey": "ssh-ed25519 AAAA"}
        requested = find(document, "paths", SERVER, "put", "requestBody", "content", "application/json", "schema")
        validate_as(document, requested, wishes)
        assert api.put(f"/dedicated/server/{NAME}", wishes) is None
        server = ask(api, document, SERVER)
        assert isinstance(server, dict)
        assert (server["bootId"], server["rescueSshKey"]) == (rescue, "ssh-ed25519 AAAA")
        for path, body in ((f"{SERVER}/reboot", None), (f"{IPMI}/access", {"ttl": 15, "type": "kvmipHtml5URL"})):
            answer = api.post(path.format(serviceName=NAME), body)
            validate(document, "post", path, answer)
            assert isinstance(answer, dict)
            ask(api, document, f"{SERVER}/task/{{taskId}}", taskId=answer["taskId"])
        ask(api, document, IPMI)
        access = api.get(f"{IPMI}/access?type=kvmipHtml5URL".format(serviceName=NAME))
        validate(document, "get", f"{IPMI}/access", access)


def test_refusals_have_the_documented_classes_and_messages(tmp_path: Path, document: Document) -> None:
    """All but those without a class of their own, which the API's front door makes."""
    responses = find(document, "paths", REINSTALL, "post", "responses")
    documented = [row for row in REFUSALS if row[2].count("::") == 2]
    assert len(documented) > 25
    with Simulator([small_server()], directory=tmp_path) as simulator:
        api = Api(simulator)
        for body, status, error_class, _ in documented:
            _, refusal = api.post_refusal("/dedicated/server/ns1.simulated/reinstall", body)
            examples = find(responses, str(status), "content", "application/json", "examples")
            template = find(examples, error_class, "value")["message"]
            pattern = re.sub(r"\\\{\\\{\\\.\w+\\\}\\\}", ".+", re.escape(str(template)))
            assert re.fullmatch(pattern, str(refusal["message"])), refusal


def test_routes_and_their_actions_are_the_documented_ones(document: Document) -> None:
    """All but the API of the 2020 guides, which the document no longer has."""
    paths = find(document, "paths")
    assert OLD_API not in paths
    for route in ROUTES:
        if not route.action or route.path == OLD_API:
            continue
        operation = find(paths, route.path, route.method.lower())
        assert operation["x-iam-actions"] == [{"name": route.action, "required": True}]
