"""Follows SYSLINUX and EXTLINUX from the boot code of LBA 0 to the root file system."""

from __future__ import annotations

from byoi_tools.formats.boot.syslinux_config import read_syslinux_config
from byoi_tools.inspection.guest.boot.links import describe_entry, finish, links_of_entry
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.model.guest.boot import BootChain, ChainLink, LinkKind, MenuSettings, SyslinuxFiles

_DIRECTORIES = ("/boot/syslinux", "/boot/extlinux", "/syslinux", "/extlinux", "/boot", "")
_CONFIGS = ("extlinux.conf", "syslinux.cfg")


def find_syslinux(places: BootPlaces) -> tuple[SyslinuxFiles, ...]:
    """Return the directories that hold a part of SYSLINUX, with GRUB's names of their devices; at most one a device."""
    found = []
    for place in places.places:
        for directory in _DIRECTORIES if place.is_readable else ():
            base = f"({place.name}){directory}"
            paths = {name: f"{base}/{name}" for name in (*_CONFIGS, "ldlinux.sys", "ldlinux.c32")}
            there = {name: path if places.is_file(path) else "" for name, path in paths.items()}
            config = there[_CONFIGS[0]] or there[_CONFIGS[1]]
            if config or there["ldlinux.sys"]:
                found.append(SyslinuxFiles(base or "/", config, there["ldlinux.sys"], there["ldlinux.c32"]))
                break
    return tuple(found)


def follow_syslinux(places: BootPlaces, installed: tuple[SyslinuxFiles, ...]) -> BootChain:
    """Return the chain of the first directory that has a configuration; raises what the guest's tree raises."""
    code = ChainLink(LinkKind.LOADER, "SYSLINUX's boot code", "LBA 0")
    files = next((one for one in installed if one.config), None)
    if files is None:
        missing = ChainLink(LinkKind.CONFIG, " or ".join(_CONFIGS), "SYSLINUX", "no file system of the image has one")
        unread = [place.device.source for place in places.places if not place.is_readable]
        end = f"{', '.join(unread)} is not read" if places.known.hidden else ""
        return finish("", None, [code] if end else [code, missing], end=end)
    shown = places.shown(files.config)
    config = read_syslinux_config(places.read(files.config) or "")
    links = [code, ChainLink(LinkKind.CONFIG, shown, files.directory)]
    menu = MenuSettings(config.timeout, "", is_default_locked=False)
    label = config.chosen
    if label is None or not label.kernel:
        problem = "the configuration has none that starts a kernel"
        return finish("", None, [*links, ChainLink(LinkKind.ENTRY, "a label", shown, problem)], menu=menu)
    paths = [_full(files.directory, path) for path in (label.kernel, *label.initrds)]
    place = f"{files.config} line {label.line}"
    entry = describe_entry(places, (label.name, label.name), place, paths[0], paths[1:], label.arguments)
    more, end = links_of_entry(places, entry)
    links += [ChainLink(LinkKind.ENTRY, label.name, entry.place), *more]
    return finish("", None, links, entry, menu, end=end)


def _full(directory: str, path: str) -> str:
    """A path with its device: relative ones begin in the configuration's directory."""
    device = directory[: directory.index(")") + 1]
    if path.startswith("/"):
        return f"{device}{path}"
    base, parts = directory.removeprefix(device), path.split("/")
    while parts and parts[0] in ("..", "."):
        base = base.rpartition("/")[0] if parts.pop(0) == ".." else base
    return f"{device}{base}/{'/'.join(parts)}"
