"""What a server is: the facts that decide whether an image fits it, asked of the API before anything is sent."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_field, read_integer, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.tasks import find_running_tasks
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.server import DiskGroup, Server
from byoi_tools.tools.ovh_api import ApiErrorAnswer, Json, OvhApi, server_route

_BOOT_MODES = {
    "uefi": frozenset({BootMode.UEFI}),
    "legacy": frozenset({BootMode.LEGACY}),
    "uefi-legacy": frozenset({BootMode.UEFI, BootMode.LEGACY}),
}
# OVHcloud's guide "API and Storage" shows 524288 "MB" for 512 GiB of memory, and disks in their makers' decimal "GB".
_MEMORY_UNITS = {"MB": 2**20, "GB": 2**30}
_DISK_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def read_server(api: OvhApi, name: str) -> Server:
    """Ask for all facts of a server.

    Raises `DeploymentRefused` when the server is unknown or the credentials do not suffice, and says which right is
    missing; `ApiErrorAnswer` and `NoApiAnswer` when the API is ill: a server is not erased on half of the facts.
    """
    try:
        api.get(server_route(name))
        hardware = api.get(server_route(name, "/specifications/hardware"))
        templates = api.get(server_route(name, "/install/compatibleTemplates"))
        running_tasks = find_running_tasks(api, name)
    except ApiErrorAnswer as answer:
        refuse_denial(name, answer)
        raise
    return Server(
        name=name,
        boot_modes=_read_boot_modes(hardware),
        memory_bytes=_read_size(hardware, "memorySize", _MEMORY_UNITS),
        disk_groups=_read_disk_groups(hardware),
        default_disk_group_id=read_integer(hardware, "defaultDiskGroupId"),
        templates=_read_templates(templates),
        running_tasks=running_tasks,
    )


def _read_boot_modes(hardware: Json) -> Fact[frozenset[BootMode]]:
    word = read_text(hardware, "bootMode")
    modes = _BOOT_MODES.get(word)
    return Known(modes) if modes else NotExamined(f"the API gives {word or 'nothing'} as bootMode")


def _read_size(answer: Json, name: str, units: dict[str, int]) -> Fact[int]:
    """Read `complexType.UnitAndValue` as bytes."""
    size = read_field(answer, name)
    unit, value = read_text(size, "unit"), read_integer(size, "value")
    if value is None or value <= 0 or unit not in units:
        return NotExamined(f"the API gives no usable {name}")
    return Known(value * units[unit])


def _read_disk_groups(hardware: Json) -> Fact[tuple[DiskGroup, ...]]:
    groups = read_field(hardware, "diskGroups")
    if not isinstance(groups, list):
        return NotExamined("the API gives no diskGroups")
    read = tuple(_read_disk_group(group) for group in groups)
    numbered = tuple(group for group in read if group is not None)
    return Known(numbered) if len(numbered) == len(read) else NotExamined("the API leaves a disk group unnumbered")


def _read_disk_group(group: Json) -> DiskGroup | None:
    group_id, count = read_integer(group, "diskGroupId"), read_integer(group, "numberOfDisks")
    if group_id is None:
        return None
    return DiskGroup(
        group_id=group_id,
        disk_count=NotExamined("the API gives no numberOfDisks") if count is None else Known(count),
        disk_size_bytes=_read_size(group, "diskSize", _DISK_UNITS),
        disk_type=read_text(group, "diskType"),
        raid_controller=read_text(group, "raidController"),
    )


def _read_templates(answer: Json) -> Fact[frozenset[str]]:
    names = read_field(answer, "ovh")
    if not isinstance(names, list):
        return NotExamined("the API does not list the server's operating systems")
    return Known(frozenset(name for name in names if isinstance(name, str)))
