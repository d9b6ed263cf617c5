"""Whether an image and a request fit a server: one scene for each fact that can differ, and what nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS, DEPLOYMENT_CHECKS
from byoi_tools.checks.runner import check_image, run_checks
from byoi_tools.checks.subject import Subject
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations, ImageNeeds
from byoi_tools.model.deployment.partitioning import LayoutItem
from byoi_tools.model.deployment.planned import AccessRule, PlannedDeployment
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.tiny import loaders
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import FALLBACK_LOADER
from fixtures.tiny.recipes import recipes
from tests.unit.checks.planned_scenes import (
    BARE,
    FITTING,
    GOOD_LAYOUTS,
    INPUTS,
    LEGACY,
    LINUX,
    NEED_AN_IMAGE,
    PRESIGNED,
    SCENES,
    SERVER,
    Scene,
    layout,
    on,
)
from tests.unit.checks.tiny_images import image_with
from tests.unit.deployment.examples import NEEDS, NVME, ORDER, SSH_KEY

PROFILE = Profile("test", "", Product.BYOI, None, Target(), ())
NO_IMAGE = NotExamined("the image itself was not looked at")
UNKNOWN = NotExamined("the API gives nothing")
SYSTEMD_BOOT = "/EFI/systemd/systemd-bootx64.efi"
USED = replace(SERVER, installed_system=Known("debian12_64"))


def judge(planned: PlannedDeployment, examined: Facts | None = None) -> tuple[Outcome, ...]:
    intent = Intent(planned.order.product, planned.needs.boot or BootMode.UEFI, planned.order.loader_path)
    facts = Known(examined) if examined else NO_IMAGE
    profile = replace(PROFILE, product=planned.order.product)
    return run_checks(DEPLOYMENT_CHECKS, Subject(facts, intent, Known(planned)), profile)


def findings(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]


def skipped(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {outcome.check_id: outcome.message for outcome in outcomes if outcome.kind is OutcomeKind.SKIPPED}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    directory = tmp_path_factory.mktemp("good")
    return inspect_image(Canvas(directory / ".canvas").as_raw(directory / "image.raw"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.check_id}: {scene.seen}")
def test_what_does_not_fit_fails_one_check(scene: Scene) -> None:
    (found,) = findings(judge(scene.planned))
    assert (found.check_id, found.kind, found.severity) == (scene.check_id, OutcomeKind.FAILED, scene.severity)
    assert scene.seen in found.observed
    texts = (found.message, found.observed, found.expected, found.evidence, found.remedy)
    assert all(text and text.isprintable() for text in texts)


def test_every_check_of_a_deployment_has_a_scene() -> None:
    assert {scene.check_id for scene in SCENES} | NEED_AN_IMAGE == {check.id for check in DEPLOYMENT_CHECKS}


@pytest.mark.parametrize(
    "planned",
    [
        FITTING,
        LEGACY,
        BARE,
        on(lambda server: replace(server, boot_modes=Known(frozenset(BootMode)))),
        on(lambda server: replace(server, boot_modes=Known(frozenset(BootMode))), replace(LEGACY, server=SERVER)),
        replace(FITTING, needs=replace(NEEDS, file_size_bytes=61 * 2**30 - 1)),
        replace(BARE, needs=replace(NEEDS, virtual_size_bytes=480 * 10**9)),
        replace(FITTING, needs=replace(NEEDS, virtual_size_bytes=480 * 10**9 - 4 * 2**20)),
        replace(
            BARE,
            needs=replace(NEEDS, virtual_size_bytes=4000 * 10**9),
            order=replace(BARE.order, disk_group_id=2),
        ),
        replace(FITTING, order=replace(ORDER, disk_group_id=0)),
        replace(LEGACY, order=replace(LEGACY.order, disk_group_id=1)),
        on(lambda server: replace(server, disk_groups=Known((replace(NVME, raid_controller=Known("PERC H730")),)))),
        on(lambda server: replace(server, is_monitored=Known(True), forbids_intervention=Known(True))),
        replace(FITTING, rights=Known((AccessRule("GET", "/*"), AccessRule("POST", "/*")))),
        replace(FITTING, delivery=replace(PRESIGNED, is_presigned=Known(False), header_names=("Authorization",))),
        replace(FITTING, delivery=replace(PRESIGNED, life=Known(None))),
        replace(FITTING, delivery=replace(PRESIGNED, life=Known(timedelta(hours=2)))),
        replace(FITTING, order=replace(ORDER, customizations=Customizations(ssh_key=f"{SSH_KEY}\n"))),
        replace(FITTING, inputs=Known((replace(INPUTS[0], has_default=True), *INPUTS[1:]))),
        LINUX,
        *(replace(LINUX, order=replace(LINUX.order, partitioning=good)) for good in GOOD_LAYOUTS),
        layout(LayoutItem("ext4", "/", 457_763, 1)),
        layout(LayoutItem("ext4", "/", 915_526, 0)),
    ],
)
def test_what_fits_fails_nothing(planned: PlannedDeployment, good: Facts) -> None:
    assert findings(judge(planned, good)) == []


def test_a_certain_fit_leaves_only_the_controller_unknown(good: Facts) -> None:
    assert skipped(judge(FITTING, good)) == {
        "target.raid-controller": "the API gives no raidController",
        "api.partitioning": "it is for byolinux_64 only",
        "target.partitioning": "it is for byolinux_64 only",
    }


def test_every_missing_right_is_named() -> None:
    found = findings(judge(replace(FITTING, rights=Known((AccessRule("GET", "/dedicated/server/*/task"),)))))
    assert len(found) == len(FITTING.needed_rights) - 1
    assert {outcome.expected for outcome in found} == {
        str(call) for call in FITTING.needed_rights if not call.path.endswith("/task")
    }


def test_what_the_api_leaves_out_is_not_assumed(good: Facts) -> None:
    server = Server(SERVER.name, UNKNOWN, UNKNOWN, UNKNOWN, None, UNKNOWN, ())
    unknown = replace(FITTING, server=server, rights=UNKNOWN, inputs=UNKNOWN, order=replace(ORDER, disk_group_id=9))
    outcomes = judge(unknown, good)
    assert findings(outcomes) == []
    assert {check_id for check_id in skipped(outcomes) if check_id.startswith("target.")} == {
        check.id for check in DEPLOYMENT_CHECKS if check.family == "target"
    } - {"target.current-tasks"}
    assert {"api.credentials-rights", "api.payload-schema"} <= set(skipped(outcomes))


def test_a_loader_that_is_missing_is_told_where_the_api_lists_no_inputs() -> None:
    (found,) = findings(judge(replace(FITTING, inputs=UNKNOWN, order=replace(ORDER, loader_path=None))))
    assert "EFI loader is missing" in found.message


def test_an_image_of_which_nothing_is_known_is_not_compared() -> None:
    outcomes = judge(replace(FITTING, needs=ImageNeeds(None, None, None)))
    assert findings(outcomes) == []
    assert {"target.boot-mode", "target.arch", "target.ram", "target.disk-size"} <= set(skipped(outcomes))


@pytest.mark.parametrize("word", ["arm64", "ppc64", "x86"])
def test_processors_that_the_kernel_is_not_for(good: Facts, word: str) -> None:
    (found,) = findings(judge(on(lambda server: replace(server, architecture=Known(word))), good))
    assert (found.check_id, found.expected) == ("target.arch", "x86_64")
    assert word in found.observed


def test_a_used_server_with_other_disks_may_hold_a_system_of_the_same_uuid(good: Facts) -> None:
    (found,) = findings(judge(replace(FITTING, server=USED), good))
    assert (found.check_id, found.severity) == ("target.secondary-disks", Severity.INFO)
    assert "3 more disks" in found.observed
    assert "UUID=" in found.expected


def test_a_root_by_label_is_worse(tmp_path: Path) -> None:
    (recipe,) = [one for one in recipes() if one.name.endswith("root_by_the_label_of_every_cloud_image")]
    facts = inspect_image(recipe.build(tmp_path))
    found = findings(judge(replace(FITTING, server=USED), facts))
    assert [(outcome.check_id, outcome.severity) for outcome in found] == [("target.secondary-disks", Severity.WARNING)]


def test_a_server_with_one_disk_has_no_other(good: Facts) -> None:
    one = replace(NVME, disk_count=Known(1))
    assert findings(judge(replace(FITTING, server=replace(USED, disk_groups=Known((one,)))), good)) == []


def test_systemd_boot_follows_variables_of_an_earlier_system(tmp_path: Path) -> None:
    files = {SYSTEMD_BOOT: loaders.systemd_boot(), FALLBACK_LOADER: loaders.systemd_boot()}
    facts = inspect_image(image_with(tmp_path, files, "/EFI/debian"))
    order = replace(ORDER, loader_path=r"\EFI\systemd\systemd-bootx64.efi")
    found = findings(judge(replace(FITTING, server=USED, order=order), facts))
    assert "target.uefi-vars-stale" in [outcome.check_id for outcome in found]
    assert findings(judge(replace(FITTING, order=order), facts)) == []


def test_one_defect_is_told_once(good: Facts) -> None:
    """A server that is named is compared by the families target and api; the others leave it to them, and say so."""
    planned = on(lambda server: replace(server, memory_bytes=Known(3 * 2**30), architecture=Known("arm64")))
    intent = Intent(Product.BYOI, BootMode.UEFI, ORDER.loader_path, target=planned.server.target(None))
    report = check_image(CHECKS, good, intent, PROFILE, Severity.ERROR, Known(planned))
    failed = {outcome.check_id for outcome in report.of_kind(OutcomeKind.FAILED)}
    assert failed == {"target.ram", "target.arch"}
    silent = skipped(report.outcomes)
    assert "target.ram" in silent["size.ram-limit"]
    assert "target.disk-size" in silent["size.disk-limit"]
    assert "target.arch" in silent["kernel.arch"]
