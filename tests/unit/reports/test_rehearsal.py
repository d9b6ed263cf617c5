"""How a rehearsal is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema

from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.proof import GuestState
from byoi_tools.model.rehearsal import DiskBus, Milestone, Rehearsal, RehearsalOrder, Screen, Sighting, Until
from byoi_tools.reports.rehearsal import render_rehearsal, render_rehearsal_json
from byoi_tools.reports.rehearsal_schema import rehearsal_schema
from byoi_tools.reports.terminal import Terminal
from tests.unit.reports.closed_schema import closed

ORDER = RehearsalOrder(
    BootMode.UEFI, r"\EFI\debian\grubx64.efi", DiskBus.NVME, 2 << 30, Customizations("web"), Until.SSH, 600.0
)
STATE = GuestState(
    user="debian",
    hostname="web",
    boot_id="2b533527-2fb0-41cd-b297-72a4d29f2dbe",
    kernel="6.1.0-56-amd64",
    cloud_init=Known("status: done\ndetail:\nDataSourceConfigDrive"),
    has_user_data=NotExamined("no user data was sent"),
    root_device="/dev/nvme0n1p3",
    root_uuid="b1010003-0012-4deb-8000-00000000e4f4",
    root_size_bytes=Known(6 << 30),
    is_root_grown=Known(True),
    failed_units=Known(("evil\x1b[31m.service",)),
    missing_firmware=Known(()),
    host_key="SHA256:Tl5uPJXCCVd75p++m/lCON2fEqgxYUfcZdW8KGp0fto",
    is_host_key_on_console=Known(True),
)
UP_TO_LOADER = (Sighting(Milestone.WRITTEN, 0.0, ""), Sighting(Milestone.FIRMWARE, 2.0, "BdsDxe: loading"))
FAILED = Rehearsal(
    ORDER, "tcg", UP_TO_LOADER, 9.0, "the firmware cannot start it", ("last \x1b[2Jline",), NotExamined("nobody")
)
BOOTED = replace(
    FAILED, sightings=(*UP_TO_LOADER, Sighting(Milestone.SSH, 61.2, "as debian")), ending="SSH", guest=Known(STATE)
)
FINDING = Outcome("esp.fallback", OutcomeKind.FAILED, Severity.ERROR, "it is not there", "nothing", remedy="add it")


def test_ssh_implies_what_a_silent_console_did_not_tell() -> None:
    assert BOOTED.missed is None
    assert {Milestone.KERNEL, Milestone.ROOT, Milestone.INIT, Milestone.NETWORK} < BOOTED.passed
    assert Milestone.CLOUD_INIT not in BOOTED.passed
    assert FAILED.missed is Milestone.LOADER


def test_the_login_prompt_is_goal_enough_when_it_is_asked_for() -> None:
    until_login = replace(ORDER, until=Until.LOGIN)
    at_prompt = (*UP_TO_LOADER, Sighting(Milestone.LOGIN, 50.0, "web login:"))
    assert replace(FAILED, order=until_login, sightings=at_prompt).has_succeeded
    assert not replace(FAILED, sightings=at_prompt).has_succeeded


def test_the_text_ends_in_the_verdict_and_is_safe_for_a_terminal() -> None:
    booted = render_rehearsal(BOOTED, (), Terminal(80))
    assert booted.endswith("BOOTED: SSH login after 61 s\n")
    assert "grown to the disk" in booted
    failed = render_rehearsal(FAILED, (FINDING,), Terminal(80))
    assert failed.endswith("FAILED: did not reach 'loader': the firmware cannot start it\n")
    assert "error esp.fallback" in failed
    assert "\x1b" not in booted + failed


def test_a_system_that_could_not_be_asked_is_told() -> None:
    unasked = replace(BOOTED, guest=NotExamined("the private half is not at hand"))
    assert "the system was not asked: the private half is not at hand" in render_rehearsal(unasked, (), Terminal(80))


SILENT = replace(
    FAILED,
    order=replace(ORDER, keep=Path("kept\x1b[2J")),
    sightings=(*UP_TO_LOADER, Sighting(Milestone.LOADER, 3.0, "BdsDxe: starting")),
    console_end=(),
    is_console_silent=True,
    screen=Known(Screen(720, 400, True, 5.0, 41.7, ("evil \x1b[31mlogin:",))),
)


def test_a_silent_system_is_told_by_its_screen_and_said_to_be_silent() -> None:
    text = render_rehearsal(SILENT, (), Terminal(200))
    assert "screen: drawn from 5 s after power-on, changed last at 42 s (text, 80 columns)" in text
    assert "writes nothing to the serial port" in text
    assert "the screen shows" in text
    assert "screen.png" in text
    assert "\x1b" not in text
    dark = replace(SILENT, screen=Known(Screen(1280, 800, False, None, None, ())))
    assert "nothing was drawn after the loader was started (1280 x 800 pixels)" in render_rehearsal(
        dark, (), Terminal(200)
    )
    assert "screen" not in render_rehearsal(BOOTED, (), Terminal(200))


def test_what_contradicts_the_order_is_a_failure() -> None:
    wrong = replace(BOOTED, contradictions=("the host name is debian, not web",))
    assert not wrong.has_succeeded
    assert render_rehearsal(wrong, (), Terminal(80)).endswith("FAILED: the host name is debian, not web\n")


def test_the_json_is_what_its_schema_says() -> None:
    validator = jsonschema.Draft202012Validator(closed(rehearsal_schema()))
    for rehearsal, findings in ((BOOTED, ()), (SILENT, ()), (FAILED, (FINDING,))):
        document = json.loads(render_rehearsal_json(rehearsal, findings))
        validator.validate(document)
    assert document["missed"] == "loader"
    assert document["milestones"][1] == {
        "name": "firmware",
        "is_reached": True,
        "seconds": 2.0,
        "seen": "BdsDxe: loading",
    }
