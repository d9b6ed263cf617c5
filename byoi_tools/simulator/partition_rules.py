"""What OVH checks of `storage[0].partitioning` before it makes a task of it.

Source of classes and messages: OVH's OpenAPI; of the rules: those messages, and the guide "API and Storage"
(2026-06-29). Where OVH publishes no list or limit (forbidden names, the fewest MiB), those here are this simulator's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools.simulator.refusals import ApiError, refuse
from byoi_tools.simulator.servers import DiskGroup, SimulatedServer
from byoi_tools.simulator.templates import Template

_MOST_PARTITIONS = 64
_FORBIDDEN = ("/boot/efi", "/dev", "/proc", "/run", "/sys")
_API_LEVELS = (0, 1, 5, 6, 7, 10)
_LEVELS = {"zfs": (0, 1, 5, 6, 7), "swap": (1,)}
_OTHER_LEVELS = (0, 1, 5, 6, 10)
_KEYS = {"fileSystem", "mountPoint", "raidLevel", "size", "extras"}


@dataclass(frozen=True, slots=True)
class Wish:
    """One accepted partition; `size_mib` 0 fills the disk, `volume` and `pool` are empty where none was named."""

    file_system: str
    mount_point: str
    raid_level: int
    size_mib: int
    volume: str
    pool: str


@dataclass(frozen=True, slots=True)
class PartitionOrder:
    """The accepted layout on so many disks of the group; the default one where none was sent."""

    disks: int
    layout: tuple[Wish, ...]


NO_LAYOUT = PartitionOrder(1, ())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a partition stands, for the messages."""

    name: str
    position: int
    group: str

    def __str__(self) -> str:
        return f"for partition {self.name} at position {self.position} in {self.group}"


def judge_partitioning(
    server: SimulatedServer, template: Template, group: DiskGroup, wishes: Mapping[str, object]
) -> PartitionOrder:
    """Turn `partitioning` into an order; raises `ApiError` with OVH's class and message."""
    if unknown := wishes.keys() - {"disks", "layout", "schemeName"}:
        raise refuse(400, "Client::BadRequest", f"Unknown parameter {min(unknown)}")
    where = f"diskGroup {group.disk_group_id}"
    layout = wishes.get("layout")
    if layout and not template.filesystems:
        # Two spaces: so it is in OVH's own text.
        message = f"Operating system  {template.name} doesn't support custom partitioning layout in {where}"
        raise _bad("PartitionIncompatibleCustomPartitioning", message)
    disks = _judge_disks(server, group, wishes.get("disks", group.disks))
    if (scheme := wishes.get("schemeName")) not in (None, "default"):
        message = f"Partition scheme {scheme} not found for operating system {template.name}"
        raise refuse(404, "Client::NotFound::SchemeName", message)
    if layout is None:
        return PartitionOrder(disks, (Wish("ext4", "/", 1, 0, "", ""),))
    if not isinstance(layout, list) or not 1 <= len(layout) <= _MOST_PARTITIONS:
        count = len(layout) if isinstance(layout, list) else 0
        message = f"Number of partitions defined in the layout is incorrect ({count}): must be between 1 and "
        raise _bad("PartitionLength", f"{message}{_MOST_PARTITIONS} in {where}")
    judged = [_judge_wish(template, item, number, where) for number, item in enumerate(layout, 1)]
    _judge_together(template, judged, where)
    return PartitionOrder(disks, tuple(judged))


def _judge_disks(server: SimulatedServer, group: DiskGroup, disks: object) -> int:
    if not isinstance(disks, int) or isinstance(disks, bool) or disks < 1:
        raise refuse(400, "Client::BadRequest", "Invalid parameter disks: a number was expected")
    if disks > group.disks:
        raise refuse(
            409,
            "Client::Conflict::PartitioningTooManyDisks",
            f"Partitioning involving more disks ({disks}) than the diskGroup {group.disk_group_id} has "
            f"({group.disks}) is not possible on server {server.name}",
        )
    return disks


def _judge_wish(template: Template, item: object, number: int, where: str) -> Wish:
    if not isinstance(item, dict) or not _KEYS.issuperset(item):
        raise refuse(400, "Client::BadRequest", "Invalid parameter layout: unknown keys")
    file_system, mount_point = item.get("fileSystem"), item.get("mountPoint")
    size, level = item.get("size", 0), item.get("raidLevel", 1)
    if not isinstance(file_system, str) or not isinstance(mount_point, str):
        raise refuse(400, "Client::BadRequest", "Missing or invalid parameter fileSystem or mountPoint")
    if not isinstance(size, int) or not isinstance(level, int):
        raise refuse(400, "Client::BadRequest", "Invalid parameter size or raidLevel: a number was expected")
    place = _Place(mount_point, number, where)
    if file_system not in template.filesystems:
        raise _bad(
            "PartitionIncompatibleFs",
            f"fileSystem value {file_system} is not compatible for operating system {template.name} "
            f"(must be one of {', '.join(template.filesystems)}) {place}",
        )
    if size < 0:
        raise _bad("PartitionMinSize", f"size value {size} MiB must be bigger than 0 {place}")
    _judge_level(template, file_system, level, place)
    if file_system != "swap":
        _judge_mount_point(mount_point, place)
    volume, pool = _read_extras(item.get("extras", {}), file_system, template, place)
    return Wish(file_system, mount_point, level, size, volume, pool)


def _judge_level(template: Template, file_system: str, level: int, place: _Place) -> None:
    if level not in _API_LEVELS:
        levels = ", ".join(map(str, _API_LEVELS))
        raise _bad("PartitionRaidLevel", f"raidLevel value {level} must be one of {levels} {place}")
    allowed = _LEVELS.get(file_system, _OTHER_LEVELS)
    if level not in allowed:
        raise _bad(
            "PartitionIncompatibleRaidLevel",
            f"raidLevel value {level} must be one of {', '.join(map(str, allowed))} "
            f"for operating system {template.name} {place}",
        )


def _judge_mount_point(path: str, place: _Place) -> None:
    value = f"mountPoint value {path}"
    if not path.startswith("/"):
        message = f"{value} is invalid (Unix-style mountpoint: must start with a '/') {place}"
        raise _bad("PartitionInvalidUnixMountpointPrefix", message)
    if not re.fullmatch(r"[\w./-]{1,256}", path, re.ASCII):
        raise _bad(
            "PartitionInvalidUnixMountpoint",
            f"{value} is invalid (Unix-style mountpoint: length cannot exceed 256 characters; only alphanumeric "
            f"characters, slashes, dots, underscores and hyphens are allowed) {place}",
        )
    if path == "/":
        return
    if path.endswith("/"):
        raise _bad("PartitionForbiddenMountpointSuffix", f"{value} cannot end with '/' {place}")
    if "//" in path or "/." in path:
        message = f"{value} must be a canonical path and cannot be a hidden path {place}"
        raise _bad("PartitionForbiddenMountpointCanonical", message)
    if path in _FORBIDDEN:
        message = f"{value} is forbidden (must be different from {', '.join(_FORBIDDEN)}) {place}"
        raise _bad("PartitionForbiddenMountpoint", message)


def _read_extras(extras: object, file_system: str, template: Template, place: _Place) -> tuple[str, str]:
    tables = [extras.get(kind, {}) for kind in ("lv", "zp")] if isinstance(extras, dict) else [None]
    if not all(isinstance(table, dict) for table in tables):
        raise refuse(400, "Client::BadRequest", "Invalid parameter extras: objects were expected")
    volume, pool = (str(table.get("name", "")) for table in tables if isinstance(table, dict))
    if volume and file_system in ("swap", "zfs"):
        raise _bad(
            "PartitionIncompatibleParams",
            f"fileSystem value {file_system} incompatible with lv.name value {volume} {place}",
        )
    if volume and not re.fullmatch(r"[A-Za-z0-9]{1,16}", volume):
        raise _bad(
            "PartitionInvalidLvName",
            f"lv.name value {volume} is invalid (length can be maximum 16 characters and exclusively composed of "
            f"alphanumeric characters) {place}",
        )
    if pool and file_system != "zfs":
        message = f"fileSystem value {file_system} incompatible with zp.name value {pool} {place}"
        raise _bad("PartitionIncompatibleParams", message)
    if pool and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_:.]{0,238}", pool):
        raise _bad(
            "PartitionInvalidZpName",
            f"zp.name value {pool} is invalid (if specified, zpool name must begin with a letter, be exclusively "
            f"composed of alphanumeric characters, underscores, colons or dots, and its length can be maximum 239 "
            f"characters) {place}",
        )
    return volume, pool


def _judge_together(template: Template, layout: list[Wish], where: str) -> None:
    mount_points: set[str] = set()
    volumes: set[str] = set()
    levels: dict[str, int] = {}
    for number, wish in enumerate(layout, 1):
        place = _Place(wish.mount_point, number, where)
        for attribute, value, seen in (("mountPoint", wish.mount_point, mount_points), ("lv", wish.volume, volumes)):
            if value and value in seen:
                raise _bad("PartitionDuplicatedAttribute", f"{attribute} value {value} must be unique {place}")
            seen.add(value)
        if wish.pool and levels.setdefault(wish.pool, wish.raid_level) != wish.raid_level:
            raise _bad(
                "PartitionDuplicatedZpName",
                f"zp.name value {wish.pool} already exists for another ZFS partition that has a different raid level. "
                f"Either choose another name {place} or set the same RAID level for all partitions within zpool "
                f"{wish.pool}",
            )
    if "/" not in mount_points:
        message = f"mountPoint / missing for operating system {template.name} in {where}"
        raise _bad("PartitionMissingRootMountpoint", message)


def _bad(name: str, message: str) -> ApiError:
    return refuse(400, f"Client::BadRequest::{name}", message)
