"""What OVH checks of `POST /dedicated/server/{serviceName}/reinstall` before it makes a task of it.

Source of classes and messages: OVH's OpenAPI. Nothing here looks at the image: that happens later, on the
server, and its errors appear in `install/status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from byoi_tools.rehearsal.config_drive import ConfigDriveContent
from byoi_tools.simulator.customizations import check_customizations
from byoi_tools.simulator.partition_rules import NO_LAYOUT, PartitionOrder, judge_partitioning
from byoi_tools.simulator.refusals import ApiError, refuse
from byoi_tools.simulator.servers import DiskGroup, SimulatedServer
from byoi_tools.simulator.templates import TEMPLATES, Template

_TOP_LEVEL = {"operatingSystem", "customizations", "properties", "storage"}
_STORAGE = {"diskGroupId", "hardwareRaid", "partitioning"}


@dataclass(frozen=True, slots=True)
class ReinstallOrder:
    """An accepted request; the URL and the headers may carry secrets."""

    operating_system: str
    disk_group: DiskGroup
    image_url: str = field(repr=False)
    image_type: str
    efi_bootloader_path: str
    checksum: str
    checksum_type: str
    http_headers: Mapping[str, str] = field(repr=False)
    config_drive: ConfigDriveContent = field(repr=False)
    partitions: PartitionOrder = NO_LAYOUT


def judge_reinstall(server: SimulatedServer, body: object) -> ReinstallOrder:
    """Turn the body of a request into an order; raises `ApiError` with OVH's class and message."""
    request = _read_object(body, "the body")
    for name in request.keys() - _TOP_LEVEL:
        raise refuse(400, "Client::BadRequest", f"Unknown parameter {name}")
    template = _find_template(server, request.get("operatingSystem"))
    customizations = _read_object(request.get("customizations", {}), "customizations")
    check_customizations(template, customizations)
    group = _find_disk_group(server, template, request.get("storage", []))
    partitions = judge_partitioning(server, template, group, _wished_partitioning(request))
    return _make_order(template, group, customizations, partitions)


def _wished_partitioning(request: Mapping[str, object]) -> dict[str, object]:
    """The partitioning of the only storage that there may be, which was looked at before."""
    storage = request.get("storage", [])
    wishes = _read_object(storage[0], "storage") if isinstance(storage, list) and storage else {}
    return _read_object(wishes.get("partitioning", {}), "partitioning")


def _find_template(server: SimulatedServer, name: object) -> Template:
    if not isinstance(name, str):
        raise refuse(400, "Client::BadRequest", "Missing or invalid parameter operatingSystem")
    if name not in TEMPLATES:
        raise refuse(404, "Client::NotFound::OperatingSystem", f"Operating system {name} could not be found")
    if name not in server.operating_systems:
        raise refuse(
            409,
            "Client::Conflict::OperatingSystemIncompatible",
            f"Operating system {name} is not compatible for server {server.name}",
        )
    return TEMPLATES[name]


def _find_disk_group(server: SimulatedServer, template: Template, storage: object) -> DiskGroup:
    if not isinstance(storage, list):
        raise refuse(400, "Client::BadRequest", "Invalid parameter storage: a list was expected")
    if len(storage) > 1:
        raise refuse(
            501,
            "Server::NotImplemented::DiskGroupMultipleConfigs",
            f"Multiple ({len(storage)}) disk groups customization not implemented",
        )
    wishes = _read_object(storage[0] if storage else {}, "storage")
    for name in wishes.keys() - _STORAGE:
        raise refuse(400, "Client::BadRequest", f"Unknown parameter {name}")
    group = find_installable_group(server, wishes.get("diskGroupId", 0))
    if wishes.get("hardwareRaid"):
        raise refuse(
            409,
            "Client::Conflict::HardwareRaidIncompatibleOnServer",
            f"Hardware RAID is not supported by server {server.name}",
        )
    return group


def find_installable_group(server: SimulatedServer, group_id: object) -> DiskGroup:
    """Return the group of that number, the default one for 0; raises `ApiError`."""
    if not isinstance(group_id, int) or isinstance(group_id, bool):
        raise refuse(400, "Client::BadRequest", "Invalid parameter diskGroupId: a number was expected")
    group = server.find_disk_group(group_id)
    if group is None:
        raise refuse(
            404,
            "Client::NotFound::DiskGroup",
            f"diskGroup {group_id} could not be found on server {server.name}",
        )
    if not group.installable:
        raise refuse(
            400,
            "Client::BadRequest::DiskGroup",
            f"diskGroup {group_id} is not installable on server {server.name}",
        )
    return group


def _make_order(
    template: Template, group: DiskGroup, values: Mapping[str, object], partitions: PartitionOrder
) -> ReinstallOrder:
    return ReinstallOrder(
        operating_system=template.name,
        disk_group=group,
        image_url=_text(values, "imageURL"),
        image_type=_text(values, "imageType") or "qcow2",  # which is all that Bring Your Own Linux takes
        efi_bootloader_path=_text(values, "efiBootloaderPath"),
        checksum=_text(values, "imageCheckSum"),
        checksum_type=_text(values, "imageCheckSumType"),
        http_headers=_texts(values, "httpHeaders"),
        config_drive=ConfigDriveContent(
            hostname=_text(values, "hostname"),
            ssh_key=_text(values, "sshKey"),
            user_data=_text(values, "configDriveUserData"),
            metadata=_texts(values, "configDriveMetadata"),
        ),
        partitions=partitions,
    )


def _text(values: Mapping[str, object], name: str) -> str:
    return str(values.get(name, ""))


def _texts(values: Mapping[str, object], name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in _read_object(values.get(name, {}), name).items()}


def _read_object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _not_an_object(name)
    return dict(value)


def _not_an_object(name: str) -> ApiError:
    return refuse(400, "Client::BadRequest", f"Invalid parameter {name}: an object was expected")
