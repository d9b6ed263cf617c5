"""The kernel command lines that the image would boot with, for checks of what they switch on and off."""

from __future__ import annotations

from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.guest.boot import BootEntry


def default_entries(subject: Subject) -> tuple[BootEntry, ...]:
    """The default entries of the loaders for this boot mode, each place once; empty where none could be followed."""
    try:
        chains = subject.boot_setup.chains
    except NotKnownError:
        return ()
    is_uefi = subject.intent.boot is BootMode.UEFI
    entries = [chain.entry for chain in chains if chain.entry is not None and bool(chain.loader) is is_uefi]
    return tuple({entry.place: entry for entry in entries}.values())


def argument_on(subject: Subject, *names: str) -> tuple[str, str, str] | None:
    """The first of these arguments on a command line: its name, its last value, and the place; None without any."""
    for entry in default_entries(subject):
        for name in names:
            value = entry.command_line.last(name)
            if value is not None:
                return name, value, entry.place
    return None
