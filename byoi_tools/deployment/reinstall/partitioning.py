"""Reads the file of --partitioning, and writes what of it goes into `storage[0].partitioning` of the request.

The names in the file are those of OVH's OpenAPI (`dedicated.server.reinstall.storage.Partitioning`); whether the layout
can work is judged with the rest of the deployment (checks `api.partitioning` and `target.partitioning`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.partitioning import LayoutItem, Partitioning
from byoi_tools.model.quoting import quote
from byoi_tools.tools.ovh.api import Json

LARGEST_LAYOUT = 100
_LARGEST_NUMBER = 2**53  # beyond it JSON numbers are not exact
_REMEDY = (
    "Write TOML or JSON with disks, schemeName and layout, a list of items with fileSystem, mountPoint, size (MiB), "
    "raidLevel and extras (lv.name, zp.name); docs/deploying.md has one."
)


def parse_partitioning(text: str) -> Partitioning:
    """Read TOML or JSON, told apart by the first character; raises `UsageError` that names the item and the key."""
    document = _parse(text)
    _refuse_unknown(document, {"layout", "disks", "schemeName"}, "the file")
    layout = document.get("layout", [])
    if not isinstance(layout, list) or ("layout" in document and not layout):
        raise _wrong("layout is not a list of partitions")
    if len(layout) > LARGEST_LAYOUT:
        raise _wrong(f"layout has {len(layout)} partitions, more than {LARGEST_LAYOUT}")
    disks = _number(document, "disks", "the file")
    if disks == 0:
        raise _wrong("disks is 0: leave it out to use all of them")
    if not document:
        raise _wrong("nothing is in it")
    items = tuple(_read_item(item, f"layout item {number}") for number, item in enumerate(layout, 1))
    return Partitioning(items, disks, _text(document, "schemeName", "the file"))


def describe_partitioning(partitioning: Partitioning) -> dict[str, Json]:
    """Return the value of `partitioning`; what was not given is left to the provider."""
    described: dict[str, Json] = {}
    if partitioning.disks is not None:
        described["disks"] = partitioning.disks
    if partitioning.layout:
        described["layout"] = [_describe_item(item) for item in partitioning.layout]
    if partitioning.scheme_name is not None:
        described["schemeName"] = partitioning.scheme_name
    return described


def _describe_item(item: LayoutItem) -> dict[str, Json]:
    described: dict[str, Json] = {
        "fileSystem": item.file_system,
        "mountPoint": item.mount_point,
        "size": item.size_mib,
    }
    if item.raid_level is not None:
        described["raidLevel"] = item.raid_level
    names = (("lv", item.lv_name), ("zp", item.zp_name))
    extras: dict[str, Json] = {kind: {"name": name} for kind, name in names if name is not None}
    return described | ({"extras": extras} if extras else {})


def _parse(text: str) -> Mapping[str, object]:
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"neither TOML nor JSON: {error}") from error
    if not isinstance(document, dict):
        raise _wrong("it is no table of names and values")
    return document


def _read_item(item: object, where: str) -> LayoutItem:
    if not isinstance(item, dict):
        raise _wrong(f"{where} is no table of names and values")
    _refuse_unknown(item, {"fileSystem", "mountPoint", "size", "raidLevel", "extras"}, where)
    file_system, mount_point = _text(item, "fileSystem", where), _text(item, "mountPoint", where)
    if file_system is None or mount_point is None:
        raise _wrong(f"{where} lacks {'fileSystem' if file_system is None else 'mountPoint'}")
    extras = _table(item, "extras", where)
    _refuse_unknown(extras, {"lv", "zp"}, f"extras of {where}")
    return LayoutItem(
        file_system=file_system,
        mount_point=mount_point,
        size_mib=_number(item, "size", where) or 0,
        raid_level=_number(item, "raidLevel", where),
        lv_name=_name(extras, "lv", where),
        zp_name=_name(extras, "zp", where),
    )


def _name(extras: Mapping[str, object], kind: str, where: str) -> str | None:
    table = _table(extras, kind, where)
    _refuse_unknown(table, {"name"}, f"extras.{kind} of {where}")
    name = _text(table, "name", f"extras.{kind} of {where}")
    if kind in extras and name is None:
        raise _wrong(f"extras.{kind} of {where} has no name")
    return name


def _table(values: Mapping[str, object], name: str, where: str) -> Mapping[str, object]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise _wrong(f"{name} of {where} is no table of names and values")
    return table


def _number(values: Mapping[str, object], name: str, where: str) -> int | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_NUMBER:
        raise _wrong(f"{name} of {where} is no whole number from 0 on")
    return value


def _text(values: Mapping[str, object], name: str, where: str) -> str | None:
    value = values.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{name} of {where} is no text")
    return value


def _refuse_unknown(values: Mapping[str, object], known: set[str], where: str) -> None:
    for name in values.keys() - known:
        raise _wrong(f"{where} has {quote(str(name))}, which is none of {', '.join(sorted(known))}")


def _wrong(problem: str) -> UsageError:
    return UsageError("the file of --partitioning is not a partitioning", details=problem, remedy=_REMEDY)
