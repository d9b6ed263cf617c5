"""The boot chain that the server would follow, for all checks of what is on it."""

from __future__ import annotations

from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.esp import fold_path
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.guest.boot import BootChain, BootEntry, ChainLink, LinkKind
from byoi_tools.model.guest.command_line import CommandLine
from byoi_tools.model.quoting import quote

BEFORE_THE_MENU = (LinkKind.MODULES, LinkKind.PREFIX, LinkKind.SEARCH, LinkKind.CONFIG)


def boot_chain(subject: Subject) -> BootChain:
    """The chain of the loader in use, or of the boot code; raises `NotKnownError` where there is none."""
    chains = subject.boot_setup.chains
    if subject.intent.boot is BootMode.LEGACY:
        found = next((chain for chain in chains if not chain.loader), None)
        if found is None:
            raise NotKnownError("the disk has no boot code whose loader could be followed")
        return found
    if subject.loader_path is None:
        raise NotKnownError("the ESP has no loader")
    wanted, number = fold_path(subject.loader_path), subject.esp.partition.number
    found = next((one for one in chains if (fold_path(one.loader), one.partition_number) == (wanted, number)), None)
    if found is None:
        raise NotKnownError("the ESP has no program for this server at the loader path")
    return found


def link_before_the_menu(chain: BootChain) -> ChainLink | None:
    """The broken link between the loader and its menu; None where there is none, or it breaks later."""
    broken = chain.broken
    if broken is None or chain.entry is not None or broken.kind not in BEFORE_THE_MENU:
        return None
    return broken


def default_entry(subject: Subject) -> BootEntry:
    """The entry that starts by itself; raises `NotKnownError` with what keeps the loader from it."""
    chain = boot_chain(subject)
    if chain.entry is None:
        raise NotKnownError(_reason(chain))
    return chain.entry


def command_line(subject: Subject) -> CommandLine:
    """The kernel's command line of that entry."""
    return default_entry(subject).command_line


def link_place(link: ChainLink) -> str:
    """The evidence for a link: who looks for it."""
    return quote(link.place)


def _reason(chain: BootChain) -> str:
    if chain.broken is not None:
        return f"the boot ends before the default entry: {chain.broken.kind.value} {quote(chain.broken.name)}"
    return chain.end or "the loader starts no menu entry"
