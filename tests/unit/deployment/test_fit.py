"""Whether an image fits a server: one table row for each fact that can differ."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.deployment.fit import find_doubts, find_misfits, refuse_misfits
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment import Customizations, ImageNeeds, InstallOrder
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.server import DiskGroup, Server, Task, TaskStatus
from tests.unit.deployment.examples import NAME, NEEDS, NVME, ORDER, UEFI_SERVER, Told

GIB = 2**30
UNKNOWN = NotExamined("the API gives nothing")
BARE = replace(ORDER, customizations=Customizations())
LEGACY_SERVER = replace(UEFI_SERVER, boot_modes=Known(frozenset({BootMode.LEGACY})))
EITHER_SERVER = replace(UEFI_SERVER, boot_modes=Known(frozenset(BootMode)))
REINSTALLING = Task(7, "reinstallServer", TaskStatus.DOING, "")
TESTING_IPMI = Task(8, "testIPMIping", TaskStatus.TODO, "")


@pytest.mark.parametrize(
    ("server", "needs", "order"),
    [
        (UEFI_SERVER, NEEDS, ORDER),
        (EITHER_SERVER, NEEDS, ORDER),
        (UEFI_SERVER, ImageNeeds(None, None, None), ORDER),
        (UEFI_SERVER, replace(NEEDS, file_size_bytes=61 * GIB - 1), ORDER),
        (UEFI_SERVER, replace(NEEDS, virtual_size_bytes=480 * 10**9), BARE),
        (UEFI_SERVER, replace(NEEDS, virtual_size_bytes=480 * 10**9 - 4 * 2**20), ORDER),
        (UEFI_SERVER, replace(NEEDS, virtual_size_bytes=4000 * 10**9), replace(BARE, disk_group_id=2)),
        (UEFI_SERVER, NEEDS, replace(ORDER, disk_group_id=0)),
        (LEGACY_SERVER, replace(NEEDS, boot=BootMode.LEGACY), replace(ORDER, loader_path=None)),
        (LEGACY_SERVER, replace(NEEDS, boot=None), replace(ORDER, loader_path=None)),
        (EITHER_SERVER, replace(NEEDS, boot=BootMode.LEGACY), replace(ORDER, loader_path=None)),
        (replace(UEFI_SERVER, running_tasks=(TESTING_IPMI,)), NEEDS, ORDER),
    ],
)
def test_what_fits_has_no_misfit(server: Server, needs: ImageNeeds, order: InstallOrder) -> None:
    assert find_misfits(server, needs, order) == ()


@pytest.mark.parametrize(
    ("server", "needs", "order", "message"),
    [
        (LEGACY_SERVER, NEEDS, ORDER, "another boot mode"),
        (UEFI_SERVER, replace(NEEDS, boot=BootMode.LEGACY), ORDER, "another boot mode"),
        (UEFI_SERVER, NEEDS, replace(ORDER, loader_path=None), "EFI loader is missing"),
        (EITHER_SERVER, replace(NEEDS, boot=None), replace(ORDER, loader_path=None), "EFI loader is missing"),
        (replace(UEFI_SERVER, boot_modes=UNKNOWN), NEEDS, replace(ORDER, loader_path=None), "EFI loader is missing"),
        (UEFI_SERVER, replace(NEEDS, file_size_bytes=61 * GIB), ORDER, "too large for the server's memory"),
        (replace(UEFI_SERVER, memory_bytes=Known(2 * GIB)), NEEDS, ORDER, "too large for the server's memory"),
        (UEFI_SERVER, replace(NEEDS, virtual_size_bytes=480 * 10**9 + 1), BARE, "too large for the disk"),
        (UEFI_SERVER, replace(NEEDS, virtual_size_bytes=480 * 10**9), ORDER, "too large for the disk"),
        (UEFI_SERVER, NEEDS, replace(ORDER, disk_group_id=3), "no such disk group"),
        (replace(UEFI_SERVER, disk_groups=Known(())), NEEDS, ORDER, "no such disk group"),
        (replace(UEFI_SERVER, templates=Known(frozenset({"debian12_64"}))), NEEDS, ORDER, "does not offer"),
        (
            replace(UEFI_SERVER, templates=Known(frozenset({"byoi_64"}))),
            NEEDS,
            replace(ORDER, product=Product.BYOLINUX),
            "does not offer",
        ),
        (replace(UEFI_SERVER, running_tasks=(REINSTALLING,)), NEEDS, ORDER, "busy"),
        (UEFI_SERVER, NEEDS, replace(ORDER, customizations=Customizations("-")), "host name"),
    ],
)
def test_what_does_not_fit_is_one_misfit(server: Server, needs: ImageNeeds, order: InstallOrder, message: str) -> None:
    (misfit,) = find_misfits(server, needs, order)
    assert message in misfit.message
    assert misfit.observed
    assert misfit.expected
    assert misfit.remedy


def test_the_default_group_is_the_provider_s() -> None:
    small = DiskGroup(2, Known(1), Known(10**9), "SSD", UNKNOWN)
    server = replace(UEFI_SERVER, disk_groups=Known((NVME, small)), default_disk_group_id=2)
    (misfit,) = find_misfits(server, NEEDS, ORDER)
    assert "too large for the disk" in misfit.message
    assert "1 (480 GB NVMe), 2 (1 GB SSD)" in misfit.remedy


def test_an_unknown_fact_is_a_doubt_and_no_misfit() -> None:
    server = replace(UEFI_SERVER, boot_modes=UNKNOWN, memory_bytes=UNKNOWN, disk_groups=UNKNOWN, templates=UNKNOWN)
    assert find_misfits(server, NEEDS, replace(ORDER, disk_group_id=9)) == ()
    doubts = find_doubts(server, NEEDS, ORDER)
    assert len(doubts) == 4
    assert all(UNKNOWN.reason in doubt for doubt in doubts)


def test_an_unknown_image_is_three_doubts() -> None:
    assert len(find_doubts(UEFI_SERVER, ImageNeeds(None, None, None), ORDER)) == 3


def test_a_certain_fit_leaves_no_doubt() -> None:
    assert find_doubts(UEFI_SERVER, NEEDS, ORDER) == ()


def test_risks_are_told() -> None:
    (other_task,) = find_doubts(replace(UEFI_SERVER, running_tasks=(TESTING_IPMI,)), NEEDS, ORDER)
    assert "task 8 (testIPMIping, todo)" in other_task
    legacy = replace(NEEDS, boot=BootMode.LEGACY)
    (other_group,) = find_doubts(LEGACY_SERVER, legacy, replace(ORDER, disk_group_id=2))
    assert "first disk" in other_group
    assert find_doubts(LEGACY_SERVER, legacy, replace(ORDER, disk_group_id=1)) == ()


def test_all_misfits_are_refused_at_once() -> None:
    told = Told()
    needs = ImageNeeds(BootMode.LEGACY, 10**12, 10**13)
    with pytest.raises(DeploymentRefused) as refusal:
        refuse_misfits(UEFI_SERVER, needs, ORDER, told)
    assert str(refusal.value) == f"nothing was sent to {NAME}: 3 reasons against it"
    assert len(str(refusal.value.details).splitlines()) == 3
    assert len(refusal.value.remedy.splitlines()) == 3
    assert told.warnings == []


def test_a_single_misfit_is_the_message() -> None:
    with pytest.raises(DeploymentRefused, match="the image is for another boot mode than the server's"):
        refuse_misfits(LEGACY_SERVER, NEEDS, ORDER, Told())


def test_doubts_are_warned_of() -> None:
    told = Told()
    refuse_misfits(UEFI_SERVER, ImageNeeds(None, None, None), ORDER, told)
    assert len(told.warnings) == 3
