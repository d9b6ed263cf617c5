"""Reads NetworkManager's profiles (nm-settings-keyfile(5)) and what it does without any (NetworkManager.conf(5))."""

from __future__ import annotations

from byoi_tools.formats.guest_files.section_file import SectionFile, read_section_file
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.network import InterfaceConfig, ManagerKind

MAIN_FILE = "/etc/NetworkManager/NetworkManager.conf"
_PROFILE_DIRECTORIES = ("/etc/NetworkManager/system-connections", "/usr/lib/NetworkManager/system-connections")
_WIRED = ("ethernet", "802-3-ethernet", "bond", "bridge", "team", "vlan", "")
_WIRED_SECTIONS = ("ethernet", "802-3-ethernet")
_LIMIT_FILES = 100


def read_profiles(tree: GuestTree) -> tuple[InterfaceConfig, ...]:
    """Return the profiles of wired cards that connect by themselves."""
    found: list[InterfaceConfig] = []
    for directory in _PROFILE_DIRECTORIES:
        for path in tree.glob(directory, "*")[:_LIMIT_FILES]:
            text = tree.read_text(path)
            if text is None or path.endswith((".bak", "~")):
                continue
            file = read_section_file(text)
            is_started = file.last("connection", "autoconnect").lower() not in ("false", "no", "0")
            if is_started and file.last("connection", "type") in _WIRED:
                found.append(_profile(path, file))
    return tuple(found)


def _profile(path: str, file: SectionFile) -> InterfaceConfig:
    own = file.last("connection", "interface-name")
    matched = [
        word.strip() for word in file.last("match", "interface-name").replace(",", ";").split(";") if word.strip()
    ]
    addresses = [
        setting.value.partition(",")[0]
        for section in ("ipv4", "ipv6")
        for setting in file.of(section)
        if setting.key.rstrip("0123456789") in ("address", "addresses") and setting.value
    ]
    is_manual = "manual" in (file.last("ipv4", "method"), file.last("ipv6", "method"))
    return InterfaceConfig(
        manager=ManagerKind.NETWORK_MANAGER,
        place=path,
        names=(own,) if own else tuple(matched),
        macs=tuple(mac for section in _WIRED_SECTIONS for mac in file.values(section, "mac-address") if mac),
        is_restricted=any(setting.key not in ("interface-name",) for setting in file.of("match")),
        uses_dhcp=file.last("ipv4", "method") in ("auto", "") or file.last("ipv6", "method") == "dhcp",
        addresses=tuple(addresses) if is_manual else (),
        is_by_cloud_init="/cloud-init-" in path,
    )


def is_automatic(tree: GuestTree) -> bool:
    """Whether it would make a DHCP connection for every wired card: not told otherwise, and cards are its business."""
    values: dict[tuple[str, str], str] = {}
    own = tree.glob("/etc/NetworkManager/conf.d", "*.conf")
    names = {path.rpartition("/")[2] for path in own}
    packaged = [
        one for one in tree.glob("/usr/lib/NetworkManager/conf.d", "*.conf") if one.rpartition("/")[2] not in names
    ]
    for path in [*packaged[:_LIMIT_FILES], MAIN_FILE, *own[:_LIMIT_FILES]]:
        for setting in read_section_file(tree.read_text(path) or "").settings:
            values[setting.section, setting.key.rstrip("+-")] = setting.value
    unmanaged = values.get(("keyfile", "unmanaged-devices"), "").replace(";", ",").split(",")
    return "*" not in values.get(("main", "no-auto-default"), "") and "*" not in [one.strip() for one in unmanaged]
