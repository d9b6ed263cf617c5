"""Chooses the default entry of a GRUB's menu as GRUB does, and what it loads (grub-core/normal/menu.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from byoi_tools.formats.grub.script import Command
from byoi_tools.inspection.guest.boot.grub.shell import GrubShell
from byoi_tools.inspection.guest.boot.grub.state import MenuItem
from byoi_tools.inspection.guest.boot.links import describe_entry
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.model.guest.boot import BootEntry

MAXIMUM_SUBMENUS = 5
MAXIMUM_SPECIFIED = 20
_NUMBER = re.compile(r"[0-9]{1,6}(?=>|$)")
_TITLE_SEPARATOR = re.compile(r"(?<!>)>(?!>)")


def choose_default(shell: GrubShell) -> MenuItem | None:
    """Return the entry that starts by itself; enters submenus on the way. None where the menu is empty.

    `default` is a number, a title or an id, and behind a `>` the same for a submenu; what matches nothing means the
    first entry.
    """
    wanted = shell.get("default")
    for _ in range(MAXIMUM_SUBMENUS):
        menu = shell.state.menu
        if not menu:
            return None
        here, _, below = _split(wanted)
        item = menu[_index(menu, here)]
        if not item.is_submenu:
            return item
        shell.enter(item)
        wanted = below
    return None


def load(shell: GrubShell, places: BootPlaces, item: MenuItem) -> BootEntry | None:
    """Enter an entry and return what it starts; None where that is no Linux kernel."""
    shell.state.kernel, shell.state.initrds = (), ()
    shell.enter(item)
    return loaded(shell, places, item)


def loaded(shell: GrubShell, places: BootPlaces, item: MenuItem) -> BootEntry | None:
    """What was loaded up to now, under the name of an entry."""
    if not shell.state.kernel:
        return None
    kernel, *arguments = shell.state.kernel
    initrds = [shell.full_path(initrd) for initrd in shell.state.initrds]
    names = (item.identity, item.title)
    return describe_entry(places, names, item.place, shell.full_path(kernel), initrds, " ".join(arguments))


def specified_entries(shell: GrubShell, places: BootPlaces) -> Iterator[BootEntry]:
    """What the entries of the Boot Loader Specification in the menu would start, twenty at most."""
    variables = dict(shell.state.variables)
    for item in [item for item in shell.state.menu if item.is_specified][:MAXIMUM_SPECIFIED]:
        entry = load(shell, places, item)
        shell.state.variables = dict(variables)
        if entry is not None:
            yield replace(entry, place=places.shown(item.place.removesuffix(" line 1")))


def unset_variables(shell: GrubShell) -> tuple[str, ...]:
    """The variables in such entries that nothing sets, by name (`kernelopts`); those of tuned may be missing."""
    pieces = [
        piece.text
        for item in shell.state.menu[:MAXIMUM_SPECIFIED]
        if item.is_specified
        for command in item.body
        if isinstance(command, Command)
        for word in command.words
        for piece in word.pieces
        if piece.is_variable
    ]
    known = shell.state.variables
    return tuple(dict.fromkeys(name for name in pieces if name not in known and not name.startswith("tuned_")))


def is_locked(shell: GrubShell, item: MenuItem | None) -> bool:
    """Whether an entry asks for a user's password before it starts."""
    return bool(shell.get("superusers")) and item is not None and not item.is_unrestricted


def _index(menu: list[MenuItem], wanted: str) -> int:
    if _NUMBER.fullmatch(wanted):
        return int(wanted) if int(wanted) < len(menu) else 0
    matching = (number for number, item in enumerate(menu) if wanted and wanted in (item.identity, item.title))
    return next(matching, 0)


def _split(wanted: str) -> tuple[str, str, str]:
    """What is before and behind the first single `>`; a doubled one stands for itself."""
    found = _TITLE_SEPARATOR.search(wanted)
    if found is None:
        return wanted.replace(">>", ">"), "", ""
    return wanted[: found.start()].replace(">>", ">"), ">", wanted[found.end() :]
