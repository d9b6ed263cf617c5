"""Follows GRUB from its embedded prefix to the root file system, in the ESP or from its core image."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from byoi_tools.inspection.guest.boot.grub.menu import (
    choose_default,
    is_locked,
    load,
    loaded,
    specified_entries,
    unset_variables,
)
from byoi_tools.inspection.guest.boot.grub.shell import GrubShell
from byoi_tools.inspection.guest.boot.grub.state import FailedSearch, MenuItem
from byoi_tools.inspection.guest.boot.links import finish, links_of_entry
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import GrubModules
from byoi_tools.model.guest.boot import BootChain, BootEntry, ChainLink, LinkKind, MenuSettings

_BOOTSTRAP = "(memdisk)/grub.cfg"
_EMBEDDED = "embedded configuration"
_DIRECT = MenuItem("", "", True, False, False, (), "grub.cfg")


@dataclass(frozen=True, slots=True)
class GrubStart:
    """A GRUB that starts: what is built into it, the device it was read from, and where its program lies on that.

    `loader` and `partition_number` name it in the chain: the path in the ESP, or nothing for the BIOS.
    """

    modules: GrubModules
    device: str
    directory: str
    platform: str
    loader: str
    partition_number: int | None


def follow_grub(places: BootPlaces, start: GrubStart, links: list[ChainLink]) -> BootChain:
    """Return the chain that begins with `links`; raises what the guest's tree raises."""
    shell = _started(places, start)
    more, end = _configuration_links(places, shell, start)
    links = [*links, *more]
    if end or any(link.problem for link in links):
        return finish(start.loader, start.partition_number, links, end=end)
    unset = unset_variables(shell)
    specified = tuple(specified_entries(shell, places)) if shell.state.uses_specified_entries else ()
    menu = _settings(shell, places)
    end_with = partial(finish, start.loader, start.partition_number, specified=specified, unset=unset)
    item = choose_default(shell)
    if item is None and not shell.state.kernel:
        problem = "the configuration has none, or its submenu is empty"
        links.append(ChainLink(LinkKind.ENTRY, "a menu entry", places.shown(shell.state.configs[-1]), problem))
        return end_with(links, menu=menu)
    shell.state.failed_searches.clear()
    entry = load(shell, places, item) if item else loaded(shell, places, _DIRECT)
    menu = replace(menu, is_default_locked=is_locked(shell, item))
    if entry is None:
        return end_with(links, menu=menu, end=f"the default entry starts {shell.state.other_program or 'no kernel'}")
    links.append(ChainLink(LinkKind.ENTRY, entry.title, entry.place))
    more, end = _entry_links(places, shell, entry)
    return end_with([*links, *more], entry, menu, end=end)


def _entry_links(places: BootPlaces, shell: GrubShell, entry: BootEntry) -> tuple[list[ChainLink], str]:
    if not _is_readable(places, shell.full_path(shell.state.kernel[0])):
        return [], f"the kernel is on {entry.device or shell.get('root')}, which is not read"
    searches = shell.state.failed_searches if entry.missing else []
    links = [_failed_search(places, failed) for failed in searches[:1]]
    more, end = links_of_entry(places, entry)
    return [*links, *more], end


def _started(places: BootPlaces, start: GrubStart) -> GrubShell:
    """GRUB after it read its first configuration: the embedded one, or that of its prefix."""
    shell = GrubShell(places, _variables(start))
    embedded = start.modules.config
    if _BOOTSTRAP in embedded:  # Debian and Ubuntu: debian/build-efi-images
        prefix = shell.get("prefix")
        candidates = [f"{prefix}/x86_64-efi/grub.cfg", f"{prefix}/grub.cfg", f"{shell.get('cmdpath')}/grub.cfg"]
        shell.run_configuration("normal", next(filter(places.is_file, candidates), candidates[1]))
        return shell
    if embedded.strip():
        shell.run_text(embedded, _EMBEDDED)
    if not start.modules.has_normal:
        platform = f"{shell.get('grub_cpu')}-{start.platform}"
        shell.state.needed_module = f"{shell.full_path(shell.get('prefix'))}/{platform}/normal.mod"
    if not shell.state.configs and not shell.state.missing_configs:
        shell.run_configuration("normal", f"{shell.full_path(shell.get('prefix'))}/grub.cfg")
    return shell


def _variables(start: GrubStart) -> dict[str, str]:
    device, parenthesis, path = start.modules.prefix.rpartition(")")
    device = device.removeprefix("(") if parenthesis else ""
    if device.startswith(","):
        device = f"hd0{device}"
    directory = f"({start.device}){start.directory}"
    prefix = f"({device or start.device}){path}" if path or device else directory
    return {
        "root": device or start.device,
        "prefix": prefix,
        "cmdpath": directory,
        "grub_platform": start.platform,
        "grub_cpu": "x86_64" if start.platform == "efi" else "i386",
    }


def _configuration_links(places: BootPlaces, shell: GrubShell, start: GrubStart) -> tuple[list[ChainLink], str]:
    """The links to the configuration with the menu: each file that was read, then the one that is missing."""
    state = shell.state
    module = state.needed_module
    if module and not state.failed_searches and _is_readable(places, module) and not places.is_file(module):
        link = ChainLink(LinkKind.MODULES, places.shown(module), "the prefix built into GRUB", "it does not exist")
        return [link], ""
    links = [
        ChainLink(
            LinkKind.CONFIG if number else LinkKind.PREFIX, places.shown(path), _before(places, state.configs, number)
        )
        for number, path in enumerate(state.configs)
    ]
    if state.configs and (state.menu or state.kernel):
        return links, ""
    if not state.missing_configs:
        where = places.shown(state.configs[-1]) if state.configs else "the configuration"
        problem = "; ".join(state.problems[:3]) or "it has none"
        return [*links, ChainLink(LinkKind.ENTRY, "a menu entry", where, problem)], ""
    missing = state.missing_configs[-1]
    if state.failed_searches and places.known.hidden:
        return links, f"GRUB's configuration may be in {', '.join(places.known.hidden)}"
    if state.failed_searches:
        return [*links, _failed_search(places, state.failed_searches[-1])], ""
    if not _is_readable(places, missing):
        return links, f"GRUB's configuration {places.shown(missing)} is on a device that is not read"
    kind = LinkKind.CONFIG if state.configs or start.modules.config.strip() else LinkKind.PREFIX
    place = _before(places, state.configs, len(state.configs))
    return [*links, ChainLink(kind, places.shown(missing), place, "it does not exist")], ""


def _failed_search(places: BootPlaces, failed: FailedSearch) -> ChainLink:
    name = f"{failed.kind} {failed.wanted}"
    return ChainLink(LinkKind.SEARCH, name, places.shown(failed.place), "nothing in the image has it")


def _before(places: BootPlaces, configs: list[str], number: int) -> str:
    return places.shown(configs[number - 1]) if number else "the prefix built into GRUB"


def _is_readable(places: BootPlaces, path: str) -> bool:
    place, _ = places.locate(path)
    return place is not None and place.is_readable


def _settings(shell: GrubShell, places: BootPlaces) -> MenuSettings:
    """The menu's timeouts: as it is, and after a boot that failed, for which Debian and Ubuntu have `recordfail`."""
    after = GrubShell(places, shell.state.variables | {"recordfail": "1"})
    after.state.exported |= {"recordfail"}
    after.run_configuration("configfile", shell.state.configs[-1])
    return MenuSettings(shell.get("timeout"), after.get("timeout"), is_default_locked=False)
