"""The request's body and the known error classes, held against OVH's own OpenAPI file (where it is present)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from byoi_tools.deployment.refusals import EXPLAINED_CLASSES, explain_refusal
from byoi_tools.deployment.reinstall.payload import reinstall_body
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import InstallOrder, Reinstallation
from byoi_tools.model.deployment.partitioning import LayoutItem, Partitioning
from byoi_tools.model.deployment.server import StepStatus, TaskStatus
from byoi_tools.model.image import ImageType
from tests.unit.deployment.examples import ORDER, REINSTALLATION, SOURCE

OPENAPI = Path(__file__).parents[3] / "shared" / "reference" / "ovh-dedicated-server.openapi.json"
pytestmark = pytest.mark.skipif(not OPENAPI.is_file(), reason="OVH's OpenAPI file is not here")

NEWER_THAN_THE_FILE = {"configDriveMetadata"}
BODIES = {
    "everything": replace(REINSTALLATION, order=replace(ORDER, disk_group_id=2)),
    "raw": replace(REINSTALLATION, image=replace(SOURCE, image_type=ImageType.RAW)),
    "least": Reinstallation(InstallOrder("ns1", Product.BYOLINUX), replace(SOURCE, checksum=None, http_headers=())),
    "layout": replace(
        REINSTALLATION,
        order=replace(
            ORDER,
            product=Product.BYOLINUX,
            partitioning=Partitioning(
                (LayoutItem("ext4", "/", 1, 1, lv_name="root"), LayoutItem("zfs", "/srv", zp_name="tank")), 2, "default"
            ),
        ),
    ),
}


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(OPENAPI.read_text())
    return document


@pytest.mark.parametrize("name", BODIES)
def test_the_body_fits_the_schema(openapi: dict[str, Any], name: str) -> None:
    body = reinstall_body(BODIES[name])
    schema = openapi | {"$ref": "#/components/schemas/dedicated.server.Reinstall"}
    jsonschema.Draft202012Validator(schema).validate(body)


@pytest.mark.parametrize("name", BODIES)
def test_the_body_has_no_key_that_the_schema_lacks(openapi: dict[str, Any], name: str) -> None:
    """The schema forbids no other keys, but the API does: "400 Bad Request: Unknown parameter"."""
    body = reinstall_body(BODIES[name])
    schemas = openapi["components"]["schemas"]
    customizations, storage = body["customizations"], body.get("storage", [])
    assert isinstance(customizations, dict)
    assert isinstance(storage, list)
    known = schemas["dedicated.server.reinstall.Customizations"]["properties"]
    assert set(customizations) - NEWER_THAN_THE_FILE <= set(known)
    assert set(body) <= set(schemas["dedicated.server.Reinstall"]["properties"])
    known = schemas["dedicated.server.reinstall.Storage"]["properties"]
    assert all(isinstance(element, dict) and set(element) <= set(known) for element in storage)


def test_the_schema_refuses_a_wrong_body(openapi: dict[str, Any]) -> None:
    schema = openapi | {"$ref": "#/components/schemas/dedicated.server.Reinstall"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"customizations": {"imageType": "vmdk"}})


def test_every_explained_error_class_is_one_of_the_route(openapi: dict[str, Any]) -> None:
    responses = openapi["paths"]["/dedicated/server/{serviceName}/reinstall"]["post"]["responses"]
    documented = {
        name
        for status, response in responses.items()
        if status != "200"
        for name in response["content"]["application/json"]["examples"]
    }
    assert set(EXPLAINED_CLASSES) <= documented
    about_us = {name for name in documented if "Hostname" in name or "Customization" in name or "Task" in name}
    client = {name for name in about_us if name.startswith("Client::")}
    assert all(explain_refusal(name) != explain_refusal("unknown") for name in client)


def test_the_statuses_are_those_of_the_schema(openapi: dict[str, Any]) -> None:
    schemas = openapi["components"]["schemas"]
    assert {status.value for status in TaskStatus} == set(schemas["dedicated.TaskStatusEnum"]["enum"])
    steps = schemas["dedicated.server.InstallationProgressStatusEnum"]["enum"]
    assert {status.value for status in StepStatus} == set(steps)
    assert {mode.value for mode in BootMode} < set(schemas["dedicated.server.BootModeEnum"]["enum"])
