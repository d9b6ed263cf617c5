"""Reads interface configurations of the older forms: interfaces(5), ifcfg files of RHEL and SUSE, FreeBSD's rc.conf."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.ifupdown import InterfacesFile, InterfaceStanza, read_interfaces
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.network import InterfaceConfig, MacPin, ManagerKind

_INTERFACES = "/etc/network/interfaces"
_IFCFG_DIRECTORIES = ("/etc/sysconfig/network-scripts", "/etc/sysconfig/network")
_IGNORED_IFCFG = ("ifcfg-lo", "ifcfg.template")
_VIRTUAL = re.compile(r"(lo|dummy|virbr|docker|veth|wg|tun|tap|sit)[0-9]*$|lo$")
_PERSISTENT = "/etc/udev/rules.d"
_RULE_MAC = re.compile(r'ATTR\{address\}=="([0-9a-fA-F:*?]+)"')
_RULE_NAME = re.compile(r'\bNAME:?="')
_LIMIT_FILES = 100


def read_ifupdown(tree: GuestTree) -> tuple[InterfaceConfig, ...]:
    """Return the interfaces that ifupdown starts, from `/etc/network/interfaces` and all that it sources."""
    files: list[tuple[str, InterfacesFile]] = []
    paths = [_INTERFACES]  # grows while it is read
    for path in paths:
        text = tree.read_text(path)
        if text is not None:
            files.append((path, read_interfaces(text)))
            sourced = [_sourced(tree, *source) for source in dict.fromkeys(files[-1][1].sources[:_LIMIT_FILES])]
            new = dict.fromkeys(found for several in sourced for found in several if found not in paths)
            paths += list(new)[: _LIMIT_FILES - len(paths)]
    started = [name for _, file in files for name in file.started]
    return tuple(
        _stanza(path, stanza, names)
        for path, file in files
        for stanza in file.stanzas
        if (names := _started_names(stanza.name, started)) and not _VIRTUAL.match(stanza.name)
    )


def _sourced(tree: GuestTree, keyword: str, word: str) -> tuple[str, ...]:
    path = word if word.startswith("/") else f"/etc/network/{word}"
    if keyword == "source-directory":
        return tuple(
            found for found in tree.glob(path, "*") if re.fullmatch(r"[A-Za-z0-9_-]+", found.rpartition("/")[2])
        )
    directory, _, pattern = path.rpartition("/")
    return tree.glob(directory, pattern)


def _started_names(name: str, started: list[str]) -> tuple[str, ...]:
    """The patterns of interfaces that a stanza is for; `auto /en*=lan` starts the stanza `lan` for all `en*`."""
    names = [name] if name in started else []
    for word in started:
        if word.startswith("/"):
            pattern, _, logical = word[1:].partition("=")
            names += [pattern] if logical == name or (not logical and name == pattern) else []
    return tuple(names)


def _stanza(path: str, stanza: InterfaceStanza, names: tuple[str, ...]) -> InterfaceConfig:
    address = stanza.option("address")
    return InterfaceConfig(
        manager=ManagerKind.IFUPDOWN,
        place=f"{path} line {stanza.line}",
        names=names,
        macs=(),
        is_restricted=False,
        uses_dhcp=stanza.method == "dhcp",
        addresses=(address,) if stanza.method == "static" and address else (),
        is_by_cloud_init="50-cloud-init" in path,
    )


def read_ifcfg(tree: GuestTree) -> tuple[InterfaceConfig, ...]:
    """Return the ifcfg files whose interface is started at boot."""
    found: list[InterfaceConfig] = []
    for directory in _IFCFG_DIRECTORIES:
        for path in tree.glob(directory, "ifcfg-*")[:_LIMIT_FILES]:
            text = tree.read_text(path)
            suffix = path.rpartition("/ifcfg-")[2]
            if text is None or path.rpartition("/")[2] in _IGNORED_IFCFG or _VIRTUAL.match(suffix):
                continue
            values = read_shell_assignments(text)
            if values.get("ONBOOT", "yes").lower() in ("no", "false") or values.get("STARTMODE") in ("off", "manual"):
                continue
            found.append(_ifcfg(path, text, suffix, values))
    return tuple(found)


def _ifcfg(path: str, text: str, suffix: str, values: dict[str, str]) -> InterfaceConfig:
    protocol = values.get("BOOTPROTO", "").lower()
    addresses = [value for key, value in values.items() if re.fullmatch(r"IPADDR[0-9_]*", key) and value]
    return InterfaceConfig(
        manager=ManagerKind.IFCFG,
        place=path,
        names=(values.get("DEVICE") or suffix,),
        macs=tuple(values[key] for key in ("HWADDR", "LLADDR") if values.get(key)),
        is_restricted=False,
        uses_dhcp=protocol.startswith("dhcp") or protocol == "bootp",
        addresses=() if protocol.startswith("dhcp") else tuple(addresses),
        is_by_cloud_init="cloud-init" in text[:500],
    )


def read_rc_conf(tree: GuestTree) -> tuple[InterfaceConfig, ...]:
    """Return FreeBSD's `ifconfig_*` variables; `ifconfig_DEFAULT` is for every interface without one."""
    found: list[InterfaceConfig] = []
    for path in ("/etc/rc.conf", "/etc/rc.conf.local"):
        for key, value in read_shell_assignments(tree.read_text(path) or "").items():
            name = key.removeprefix("ifconfig_")
            if name == key or name.endswith(("_ipv6", "_name")) or "_alias" in name or _VIRTUAL.match(name):
                continue
            words = value.split()
            uses_dhcp = any(word.upper() in ("DHCP", "SYNCDHCP", "NOSYNCDHCP") for word in words)
            static = words[words.index("inet") + 1 : words.index("inet") + 2] if "inet" in words else []
            names = () if name == "DEFAULT" else (name,)
            found.append(
                InterfaceConfig(
                    ManagerKind.RC_CONF, path, names, (), False, uses_dhcp, tuple(static), is_by_cloud_init=False
                )
            )
    return tuple(found)


def read_udev_pins(tree: GuestTree) -> tuple[MacPin, ...]:
    """Return udev rules of the administrator that name one card by its hardware address."""
    pins: list[MacPin] = []
    for path in tree.glob(_PERSISTENT, "*.rules")[:_LIMIT_FILES]:
        for number, line in enumerate((tree.read_text(path) or "").splitlines(), 1):
            if not line.lstrip().startswith("#") and _RULE_NAME.search(line):
                pins += [MacPin(f"{path} line {number}", mac) for mac in _RULE_MAC.findall(line)]
    return tuple(pins)
