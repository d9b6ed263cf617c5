"""What a server is: the facts that decide whether an image fits it, asked of the API before anything is sent."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_field, read_integer, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.tasks import find_running_tasks
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.planned import TemplateInput
from byoi_tools.model.deployment.server import DiskGroup, Server
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, NoApiAnswer, OvhApi, server_route

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
        overview = api.get(server_route(name))
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
        architecture=_read_word(hardware, "processorArchitecture"),
        boot_type=_read_boot_type(api, name, overview),
        has_rescue_key=_read_presence(overview, "rescueSshKey"),
        is_monitored=_read_switch(overview, "monitoring"),
        forbids_intervention=_read_switch(overview, "noIntervention"),
        installed_system=_read_word(overview, "os"),
        address=read_text(overview, "ip"),
    )


def read_address(api: OvhApi, name: str) -> str:
    """Return the server's address, its name where the API does not tell one."""
    try:
        return read_text(api.get(server_route(name)), "ip") or name
    except (ApiErrorAnswer, NoApiAnswer):
        return name


def read_template_inputs(api: OvhApi, template: str) -> Fact[tuple[TemplateInput, ...]]:
    """Ask what customizations an operating system takes (`GET /dedicated/installationTemplate/{templateName}`).

    Not examined where the API does not say: the request is judged by the provider then. Raises `NoApiAnswer`.
    """
    try:
        inputs = read_field(api.get(f"/dedicated/installationTemplate/{template}"), "inputs")
    except ApiErrorAnswer as answer:
        return _unanswered(answer)
    if not isinstance(inputs, list) or not inputs:
        return NotExamined(f"the API does not list the inputs of {template}")
    return Known(tuple(_read_input(each) for each in inputs if read_text(each, "name")))


def _read_input(each: Json) -> TemplateInput:
    choices = read_field(each, "enum")
    return TemplateInput(
        name=read_text(each, "name"),
        is_mandatory=read_field(each, "mandatory") is True,
        has_default=bool(read_field(each, "default")),
        choices=tuple(choice for choice in choices if isinstance(choice, str)) if isinstance(choices, list) else (),
    )


def _read_boot_type(api: OvhApi, name: str, overview: Json) -> Fact[str]:
    """Ask what the server boots now: `bootId` names one of its boots."""
    boot_id = read_integer(overview, "bootId")
    if boot_id is None:
        return NotExamined("the API gives no bootId")
    try:
        return _read_word(api.get(server_route(name, f"/boot/{boot_id}")), "bootType")
    except ApiErrorAnswer as answer:
        return _unanswered(answer)


def _read_word(answer: Json, name: str) -> Fact[str]:
    word = read_text(answer, name)
    return Known(word) if word else NotExamined(f"the API gives no {name}")


def _read_switch(answer: Json, name: str) -> Fact[bool]:
    value = read_field(answer, name)
    return Known(value) if isinstance(value, bool) else NotExamined(f"the API gives no {name}")


def _read_presence(answer: Json, name: str) -> Fact[bool]:
    """Whether a text is set, where the API has the field: null is unset."""
    if not isinstance(answer, dict) or name not in answer:
        return NotExamined(f"the API gives no {name}")
    return Known(bool(read_text(answer, name)))


def _unanswered(answer: ApiErrorAnswer) -> NotExamined:
    return NotExamined(f"the API answered {answer.status} to {answer.call}")


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
        raid_controller=_read_word(group, "raidController"),
    )


def _read_templates(answer: Json) -> Fact[frozenset[str]]:
    names = read_field(answer, "ovh")
    if not isinstance(names, list):
        return NotExamined("the API does not list the server's operating systems")
    return Known(frozenset(name for name in names if isinstance(name, str)))
