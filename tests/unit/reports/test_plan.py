"""A plan is read as strictly as it is carried out, and what it does is shown without control characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.deed import Concern, Deed, ServedImage
from byoi_tools.model.deployment.order import InstallApi, InstallOrder
from byoi_tools.model.deployment.plan import Judgement, Plan, PlannedObject, PlannedOrder, PlannedServer
from byoi_tools.model.deployment.server import DiskGroup, Server
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.finding import OutcomeKind
from byoi_tools.model.image import ImageType
from byoi_tools.model.publishing.published import Verification
from byoi_tools.reports.deed import render_deed
from byoi_tools.reports.plan_v1 import identify_plan, read_plan, render_plan_json
from byoi_tools.reports.terminal import Terminal

GROUPS = (DiskGroup(1, Known(2), Known(480 * 10**9), "NVMe", NotExamined("the API gives no raidController")),)
HOSTILE = Concern("target.os", OutcomeKind.WAIVED, "warn\x1b[2J", "evil\x1b[31m", "\u202eseen")
PLAN = Plan(
    tool_version="1",
    made=datetime(2026, 11, 22, tzinfo=UTC),
    valid_until=datetime(2026, 11, 29, tzinfo=UTC),
    server=PlannedServer(
        "ns1", Known(frozenset(BootMode)), Known(1 << 36), None, Known("harddisk"), NotExamined("nobody asked")
    ),
    erased=Known(GROUPS),
    image=PlannedObject(
        destination="s3://images",
        public_url=None,
        address="s3://images/x.raw",
        image_type=ImageType.RAW,
        size_bytes=512,
        virtual_size_bytes=512,
        digests={DigestAlgorithm.SHA256: "a" * 64, DigestAlgorithm.SHA512: "b" * 128},
        etag="c",
        url_seconds=3600,
        verification=Verification.FULL,
    ),
    order=PlannedOrder(
        InstallApi.REINSTALL, Product.BYOI, None, 1, "web", None, None, {"role": "db"}, ("X-Token",), None, None
    ),
    judgement=Judgement("ovh-byoi-uefi", BootMode.UEFI, "passed", (HOSTILE,)),
)
TEXT = render_plan_json(PLAN)


def test_what_was_written_is_read() -> None:
    assert read_plan(TEXT.encode()) == PLAN
    compact = json.dumps(json.loads(TEXT), sort_keys=True)
    assert identify_plan(read_plan(compact.encode())) == identify_plan(PLAN)
    assert identify_plan(replace(PLAN, tool_version="2")) != identify_plan(PLAN)


EDITS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("schema", lambda plan: plan.update(schema="byoi-tools/plan/v2")),
    ("made", lambda plan: plan.update(made="2026-11-22T00:00:00")),
    ("valid_until", lambda plan: plan.pop("valid_until")),
    ('"wish"', lambda plan: plan.update(wish=True)),
    ("server.memory_bytes", lambda plan: plan["server"].update(memory_bytes=True)),
    ("server.boot_modes[1]", lambda plan: plan["server"].update(boot_modes=["uefi", "bios"])),
    ("erased[0].group_id", lambda plan: plan["erased"][0].update(group_id=-1)),
    ("image.image_type", lambda plan: plan["image"].update(image_type="ova")),
    ("image: a sha512 digest", lambda plan: plan["image"]["digests"].update(sha512="b")),
    ("image: url_seconds", lambda plan: plan["image"].update(url_seconds=10**30)),
    ("order.metadata.role", lambda plan: plan["order"].update(metadata={"role": None})),
    ("order.http_header_names", lambda plan: plan["order"].update(http_header_names="X-Token")),
    ("judgement", lambda plan: plan.update(judgement=[])),
    ("content_sha256", lambda plan: plan["judgement"].update(verdict="failed")),
    ("content_sha256", lambda plan: plan["image"].update(image_type="qcow2")),
    ("content_sha256", lambda plan: plan.pop("content_sha256")),
]


@pytest.mark.parametrize(("where", "edit"), EDITS, ids=[f"{number} {where}" for number, (where, _) in enumerate(EDITS)])
def test_an_edited_member_is_named(where: str, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(TEXT)
    edit(document)
    with pytest.raises(UsageError) as refused:
        read_plan(json.dumps(document).encode())
    assert where in f"{refused.value.message}: {refused.value.details}"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", TEXT.encode()[:-20], b"[" * 100_000, TEXT.replace('"made"', '"made": "x", "made"').encode()],
    ids=["empty", "array", "binary", "cut", "deep", "twice"],
)
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="this is no plan"):
        read_plan(content)


def test_a_deed_is_shown_without_control_characters() -> None:
    server = Server("ns1", Known(frozenset(BootMode)), Known(1 << 36), Known(GROUPS), None, Known(frozenset()), ())
    image = ServedImage("s3://images/\x1b[2Jx.raw", ImageType.RAW, 512)
    deed = Deed(server, InstallOrder("ns1", Product.BYOI), image, ("X-Token",), "p: passed", (HOSTILE,))
    for width in (50, 80):
        shown = render_deed(deed, Terminal(width=width))
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert max(map(len, shown.splitlines())) <= width
        assert "2 x 480 GB NVMe (group 1): all of them" in " ".join(shown.split())
