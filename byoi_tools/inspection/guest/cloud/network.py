"""Reads the `network` that an image gives cloud-init: version 2 is netplan's form, version 1 cloud-init's own."""

from __future__ import annotations

from byoi_tools.formats.guest_files.yaml_document import YamlValue
from byoi_tools.inspection.guest.network.netplan import interfaces_of
from byoi_tools.model.guest.network import InterfaceConfig, ManagerKind

_LIMIT_DEVICES = 1000


def read_cloud_network(network: dict[str, YamlValue], path: str) -> tuple[InterfaceConfig, ...]:
    """The interfaces of a `network` mapping (cloud-init, "Networking config Version 1" and 2); `path` is its file.

    Who brings them up is not in it: `manager` is that of netplan's default and says nothing.
    """
    if network.get("version") == 2:
        names = [name for kind in ("ethernets", "bonds", "bridges") for name in _keys(network.get(kind))]
        return interfaces_of(network, dict.fromkeys(names, path))
    devices = network.get("config")
    if not isinstance(devices, list):
        return ()
    return tuple(_device(one, path) for one in devices[:_LIMIT_DEVICES] if isinstance(one, dict) and _is_card(one))


def _is_card(device: dict[str, YamlValue]) -> bool:
    return device.get("type") in ("physical", "bond", "bridge") and isinstance(device.get("name"), str)


def _device(device: dict[str, YamlValue], path: str) -> InterfaceConfig:
    subnets = device.get("subnets")
    given = [one for one in subnets if isinstance(one, dict)] if isinstance(subnets, list) else []
    address = device.get("mac_address")
    return InterfaceConfig(
        manager=ManagerKind.NETWORKD,
        place=path,
        names=(str(device["name"]),),
        macs=(address,) if isinstance(address, str) else (),
        is_restricted=False,
        uses_dhcp=any(str(one.get("type")).startswith("dhcp") for one in given),
        addresses=tuple(str(one["address"]) for one in given if one.get("type") == "static" and "address" in one),
        is_by_cloud_init=False,
    )


def _keys(value: YamlValue) -> list[str]:
    return list(value) if isinstance(value, dict) else []
