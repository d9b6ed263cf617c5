"""Rehearses the boot of an image that was looked at first, and says which findings explain how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from byoi_tools.conversion.convert import judge_source
from byoi_tools.conversion.space import require_space
from byoi_tools.errors import ImageError
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.fact import Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Outcome, Report
from byoi_tools.model.observer import Observer
from byoi_tools.model.rehearsal import DiskBus, Rehearsal, RehearsalOrder, SourceImage
from byoi_tools.pipeline.checking import Rules, check_facts, declared_type, waive
from byoi_tools.pipeline.explaining import explain
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.rehearsal.rehearse import rehearse, require_tools
from byoi_tools.tools import qemu_img

# What firmware starts by itself where nobody declares a loader and none was found.
_FALLBACK_LOADER = "\\EFI\\BOOT\\BOOTX64.EFI"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How the boot went, what the check says of the image, and which of its findings explain the end."""

    rehearsal: Rehearsal
    report: Report
    explanations: tuple[Outcome, ...]


def rehearse_image(
    path: Path, order: RehearsalOrder, rules: Rules, work_directory: Path, observer: Observer
) -> Rehearsed:
    """Check an image, then boot a copy of it; an empty `loader_path` takes the best loader that the image offers.

    Raises `ImageError` for what the provider would not take or QEMU should not see, `NoSpace`, `ToolError`.
    """
    require_tools(order)
    facts = inspect_image(path, observer, rules.reader)
    report = check_facts(
        facts, rules, order.loader_path or None, declared_type(path), user_data=order.customizations.user_data
    )
    report = waive(report, path, rules, observer)
    return rehearse_checked(path, facts, report, order, work_directory, observer)


def rehearse_checked(
    path: Path, facts: Facts, report: Report, order: RehearsalOrder, work_directory: Path, observer: Observer
) -> Rehearsed:
    """Boot a copy of an image whose facts and report are known; the report says which loader. Raises as above."""
    require_tools(order)
    image = _judge(path, facts)
    chosen = replace(order, loader_path=report.loader_path or _FALLBACK_LOADER, users=default_users(facts))
    with Workspace(work_directory) as workspace:
        require_space(workspace.directory(), qemu_img.measure(path, image.image_type.value, "raw"))
        rehearsal = rehearse(chosen, image, workspace.directory(), observer)
    return Rehearsed(rehearsal, report, explain(rehearsal, report))


def disk_like(server: Server, group_id: int | None, boot: BootMode) -> DiskBus:
    """What the disks of the server's group hang on, as near as QEMU comes."""
    controller = server.raid_controller(group_id)
    is_megaraid = isinstance(controller, Known) and "mega" in controller.value.lower()
    if is_megaraid and boot is BootMode.LEGACY:
        return DiskBus.MEGARAID
    group = server.disk_group(group_id)
    kind = group.value.disk_type if isinstance(group, Known) and group.value else "nvme"
    return DiskBus.NVME if kind.lower() == "nvme" else DiskBus.AHCI


def _judge(path: Path, facts: Facts) -> SourceImage:
    """The image once our own reader has found that it needs no other file and is what it says."""
    image_type = facts.container.format.image_type
    if image_type is None:
        raise ImageError(
            f"{path} is in {facts.container.format.value} format, which the provider does not write",
            remedy="Make a qcow2 of it first: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2.",
        )
    judge_source(path, facts.container)
    size = facts.container.virtual_size_bytes
    assert isinstance(size, Known)  # noqa: S101 - both formats are read by our own readers
    return SourceImage(path, image_type, size.value)


def default_users(facts: Facts) -> tuple[str, ...]:
    """Whom cloud-init gives the SSH key, as far as the image says."""
    guest = facts.guest.value if isinstance(facts.guest, Known) else None
    cloud = guest.cloud.value.cloud_init if guest and isinstance(guest.cloud, Known) else None
    return (cloud.user.name,) if cloud and cloud.user.name else ()
