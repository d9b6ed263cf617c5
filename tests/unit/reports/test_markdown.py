"""Manual pages as one markdown document."""

from __future__ import annotations

import re

from byoi_tools.checks.catalogue import CHECKS, FAMILIES
from tests.command import byoi_tools


def test_every_family_and_check_has_its_heading_once() -> None:
    document = byoi_tools("explain", "--format", "markdown").output
    assert re.findall(r"^## (.*)$", document, re.MULTILINE) == list(FAMILIES)
    assert re.findall(r"^### (.*)$", document, re.MULTILINE) == [check.id for check in CHECKS]


def test_every_link_of_the_list_has_its_heading() -> None:
    document = byoi_tools("explain", "--format", "markdown").output
    links = re.findall(r"\]\(#([^)]*)\)", document)
    assert len(links) == len(CHECKS)
    assert set(links) == {check.id.replace(".", "") for check in CHECKS}


def test_one_page_and_one_family() -> None:
    page = byoi_tools("explain", "hygiene.machine-id", "--format", "markdown").output
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == ["hygiene.machine-id"]
    assert [f"**{word}:**" in page for word in ("Why", "How", "Fix", "Source", "In short")] == [True] * 5
    family = byoi_tools("explain", "byol", environment={"BYOI_EXPLAIN_FORMAT": "markdown"}).output
    assert re.findall(r"^## (.*)$", family, re.MULTILINE) == ["byol"]
    assert "(error; byolinux_64 only)" in family
