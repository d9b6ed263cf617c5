"""What inspect and check print is what their published schemas say, for every image of the fixtures."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.reports.facts_json import render_facts_json
from byoi_tools.reports.publishing_schemas import manifest_schema, objects_schema, removal_schema
from byoi_tools.reports.rehearsal_schema import rehearsal_schema
from byoi_tools.reports.schemas import facts_schema, report_schema
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.recipes import Recipe, recipes
from tests.command import byoi_tools
from tests.unit.reports.closed_schema import closed


@cache
def facts_validator() -> jsonschema.Draft202012Validator:
    schema = closed(facts_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def facts_of(image: Path) -> Any:
    return json.loads(render_facts_json(inspect_image(image)))


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_the_facts_of_every_fixture_are_what_the_schema_says(recipe: Recipe, tmp_path: Path) -> None:
    facts_validator().validate(facts_of(recipe.build(tmp_path)))


@pytest.mark.parametrize("name", ["good.raw", "good.qcow2"])
def test_the_facts_of_the_good_image_are_complete(name: str, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    image = canvas.as_raw(tmp_path / name) if name.endswith(".raw") else canvas.as_qcow2(tmp_path / name)
    facts = facts_of(image)
    facts_validator().validate(facts)
    assert [name for name, domain in facts["guest"].items() if "not_examined" in domain] == []
    assert facts["guest"]["system"]["distribution"] == "debian"


def test_the_verb_prints_the_schemas() -> None:
    assert json.loads(byoi_tools("schema", "facts").output) == facts_schema()
    assert json.loads(byoi_tools("schema", "report").output) == report_schema()
    assert json.loads(byoi_tools("schema", "manifest").output) == manifest_schema()
    assert json.loads(byoi_tools("schema", "objects").output) == objects_schema()
    assert json.loads(byoi_tools("schema", "removal").output) == removal_schema()
    assert json.loads(byoi_tools("schema", "rehearsal").output) == rehearsal_schema()
    assert byoi_tools("schema", "images").code == 2


@pytest.mark.parametrize("count", [1, 2])
def test_reports_are_what_the_schema_says(count: int, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.esp_delete("/EFI/BOOT/BOOTX64.EFI")
    image = canvas.as_raw(tmp_path / "image.raw")
    waivers = tmp_path / "byoi.toml"
    waivers.write_text('[[waiver]]\nid = "esp.fallback"\nreason = "known"\nexpires = 2999-12-31\n')
    run = byoi_tools("check", *[image] * count, "--boot", "uefi", "--format", "json")
    document = json.loads(run.output)
    jsonschema.Draft202012Validator(closed(report_schema())).validate(document)
    first = document if count == 1 else document[0]
    assert {"passed", "skipped", "waived"} <= {outcome["outcome"] for outcome in first["outcomes"]}
