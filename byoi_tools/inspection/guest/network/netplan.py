"""Reads netplan's configuration (netplan-yaml(5)): files of three directories, merged in the order of their names."""

from __future__ import annotations

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.guest_files.yaml_document import YamlValue, read_yaml
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.network import InterfaceConfig, ManagerKind, UnreadFile

_DIRECTORIES = ("/etc/netplan", "/usr/lib/netplan", "/lib/netplan")
_PHYSICAL = "ethernets"
_GROUPED = ("bonds", "bridges")
_LIMIT_FILES = 100
_LIMIT_INTERFACES = 1000

Mapping = dict[str, YamlValue]


@dataclass(frozen=True, slots=True)
class Netplan:
    """What it configures, what it could not parse (netplan then makes nothing at all), and its default renderer."""

    interfaces: tuple[InterfaceConfig, ...]
    unread_files: tuple[UnreadFile, ...]
    renderer: ManagerKind


def read_netplan(tree: GuestTree) -> Netplan:
    """Return the merged configuration; raises what the tree raises."""
    paths: dict[str, str] = {}
    for directory in _DIRECTORIES:
        for path in tree.glob(directory, "*.yaml"):
            paths.setdefault(path.rpartition("/")[2], path)
    merged: Mapping = {}
    places: dict[str, str] = {}
    unread: list[UnreadFile] = []
    for name in sorted(paths)[:_LIMIT_FILES]:
        network = _parse(paths[name], tree.read_text(paths[name]) or "", unread)
        for kind in (_PHYSICAL, *_GROUPED):
            places |= dict.fromkeys(_mapping(network.get(kind)), paths[name])
        merged = _merge(merged, network)
    return Netplan(interfaces_of(merged, places), tuple(unread), _manager(merged.get("renderer")))


def interfaces_of(network: Mapping, places: dict[str, str]) -> tuple[InterfaceConfig, ...]:
    """The physical interfaces of a `network` mapping, and the groups of them, each under its members' names."""
    physical = _mapping(network.get(_PHYSICAL))
    default = _manager(network.get("renderer"))
    found: list[InterfaceConfig] = []
    for kind in (_PHYSICAL, *_GROUPED):
        for identity, value in list(_mapping(network.get(kind)).items())[:_LIMIT_INTERFACES]:
            settings = _mapping(value)
            members = [identity] if kind == _PHYSICAL else _texts(settings.get("interfaces"))
            matches = [_match(member, _mapping(physical.get(member))) for member in members]
            if matches:
                found.append(_interface(settings, default, places.get(identity, ""), matches))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Match:
    names: tuple[str, ...]
    macs: tuple[str, ...]
    is_restricted: bool


def _match(identity: str, settings: Mapping) -> _Match:
    """What a definition applies to: its `match`, or the interface of its own name."""
    match = _mapping(settings.get("match"))
    if not match:
        return _Match((identity,), (), is_restricted=False)
    return _Match(tuple(_texts(match.get("name"))), tuple(_texts(match.get("macaddress"))), bool(match.get("driver")))


def _interface(settings: Mapping, default: ManagerKind, place: str, matches: list[_Match]) -> InterfaceConfig:
    manager = _manager(settings["renderer"]) if "renderer" in settings else default
    addresses = settings.get("addresses")
    given = (
        [next(iter(one), "") if isinstance(one, dict) else one for one in addresses or () if one]
        if isinstance(addresses, list)
        else []
    )
    return InterfaceConfig(
        manager=manager,
        place=place,
        names=tuple(name for match in matches for name in match.names) if all(m.names for m in matches) else (),
        macs=tuple(mac for match in matches for mac in match.macs),
        is_restricted=any(match.is_restricted for match in matches),
        uses_dhcp=settings.get("dhcp4") is True or settings.get("dhcp6") is True,
        addresses=tuple(str(one) for one in given),
        is_by_cloud_init="cloud-init" in place,
        is_waited_for=settings.get("optional") is not True and manager is ManagerKind.NETWORKD,
    )


def _parse(path: str, text: str, unread: list[UnreadFile]) -> Mapping:
    try:
        return _mapping(_mapping(read_yaml(text).value).get("network"))
    except ImageMalformed as malformed:
        unread.append(UnreadFile(path, malformed.details or malformed.message))
        return {}


def _merge(old: Mapping, new: Mapping, depth: int = 0) -> Mapping:
    """Mappings are merged key by key, lists joined, everything else taken from the later file."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict) and depth < 8:
            merged[key] = _merge(before, value, depth + 1)
        elif isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def _manager(name: YamlValue) -> ManagerKind:
    return ManagerKind.NETWORK_MANAGER if name == "NetworkManager" else ManagerKind.NETWORKD


def _mapping(value: YamlValue) -> Mapping:
    return value if isinstance(value, dict) else {}


def _texts(value: YamlValue) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item]
