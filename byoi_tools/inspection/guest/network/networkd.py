"""Reads the configuration of systemd-networkd (systemd.network(5)), and names by .link files (systemd.link(5))."""

from __future__ import annotations

from byoi_tools.formats.guest_files.section_file import SectionFile, read_section_file
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.network import InterfaceConfig, MacPin, ManagerKind

_DIRECTORIES = (
    "/etc/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
    "/lib/systemd/network",
)
_MAC_KEYS = ("MACAddress", "PermanentMACAddress")
_NAME_KEYS = ("Name", "OriginalName")
_VIRTUAL_KEYS = ("Kind", "Type", "Virtualization", "WLANInterfaceType", "SSID", "BSSID", "Host")
_HARMLESS = (("Type", "ether"), ("Virtualization", "no"))
_VIRTUAL_DRIVERS = {"veth", "tun", "bridge", "dummy", "macvlan", "ipvlan", "wireguard"}
_YES = ("yes", "true", "on", "1", "both", "ipv4", "ipv6", "v4", "v6")
_NO = ("no", "false", "off", "0")
_LIMIT_FILES = 200


def read_networkd(tree: GuestTree) -> tuple[InterfaceConfig, ...]:
    """Return the .network files for network cards: of equal names the administrator's, none that leads to /dev/null.

    Files for containers, virtual machines, tunnels and wireless cards, as systemd brings some, are left out.
    """
    files = [(path, read_section_file(text)) for path, text in _files(tree, ".network")]
    return tuple(_interface(path, file) for path, file in files if _is_for_cards(file))


def read_link_pins(tree: GuestTree) -> tuple[MacPin, ...]:
    """Return the .link files that name one card by its hardware address."""
    pins: list[MacPin] = []
    for path, text in _files(tree, ".link"):
        file = read_section_file(text)
        for setting in file.of("Match"):
            if setting.key in _MAC_KEYS and setting.value and file.last("Link", "Name"):
                pins += [MacPin(f"{path} line {setting.line}", mac) for mac in setting.value.split()]
    return tuple(pins)


def has_kernel_names(tree: GuestTree) -> bool:
    """Whether files of the guest leave the kernel's names (`eth0`) as they are; the command line is not seen."""
    if tree.read_link("/etc/systemd/network/99-default.link") == "/dev/null":
        return True
    if tree.read_link("/etc/udev/rules.d/80-net-setup-link.rules") == "/dev/null":
        return True
    rules = [f"{directory}/udev/rules.d/80-net-setup-link.rules" for directory in ("/etc", "/usr/lib", "/lib")]
    return not any(tree.is_file(path) for path in rules)


def _files(tree: GuestTree, suffix: str) -> list[tuple[str, str]]:
    chosen: dict[str, str] = {}
    for directory in _DIRECTORIES:
        for path in tree.glob(directory, f"*{suffix}"):
            chosen.setdefault(path.rpartition("/")[2], path)
    found: list[tuple[str, str]] = []
    for name in sorted(chosen)[:_LIMIT_FILES]:
        text = tree.read_text(chosen[name])
        if text is not None:
            dropped_in = [
                part for directory in _DIRECTORIES[:1] for part in tree.glob(f"{directory}/{name}.d", "*.conf")
            ]
            found.append((chosen[name], "\n".join([text, *(tree.read_text(part) or "" for part in dropped_in)])))
    return found


def _is_for_cards(file: SectionFile) -> bool:
    """Whether it may apply to an Ethernet card of a physical machine."""
    if file.last("Link", "Unmanaged").lower() in _YES:
        return False
    wanted = [(setting.key, setting.value) for setting in file.of("Match") if not setting.value.startswith("!")]
    if any(key == "Driver" and value in _VIRTUAL_DRIVERS for key, value in wanted):
        return False
    return all(pair in _HARMLESS or pair[0] not in _VIRTUAL_KEYS for pair in wanted)


def _interface(path: str, file: SectionFile) -> InterfaceConfig:
    addresses = (*file.values("Network", "Address"), *file.values("Address", "Address"))
    required = file.last("Link", "RequiredForOnline").lower()
    return InterfaceConfig(
        manager=ManagerKind.NETWORKD,
        place=path,
        names=tuple(name for key in _NAME_KEYS for value in file.values("Match", key) for name in _names(value)),
        macs=tuple(mac for key in _MAC_KEYS for value in file.values("Match", key) for mac in value.split()),
        is_restricted=_is_restricted(file),
        uses_dhcp=file.last("Network", "DHCP").lower() in _YES,
        addresses=tuple(address for address in addresses if address),
        is_by_cloud_init="/10-cloud-init" in path,
        is_waited_for=required not in _NO,
    )


def _names(value: str) -> list[str]:
    """The patterns of one value; a `!` before the first is for all of them."""
    words = value.split()
    if words and words[0].startswith("!"):
        return ["!" + word.removeprefix("!") for word in words]
    return words


def _is_restricted(file: SectionFile) -> bool:
    """Whether it has conditions that nobody can judge here; a [Match] without any key matches nothing."""
    settings = [setting for setting in file.of("Match") if setting.value]
    for setting in settings:
        is_harmless = setting.key in (*_MAC_KEYS, *_NAME_KEYS) or setting.value.startswith("!")
        if not is_harmless and (setting.key, setting.value) not in _HARMLESS:
            return True
    return not settings
