"""Asks before a server is erased or disturbed, or objects are deleted."""

from __future__ import annotations

import sys

from byoi_tools.cli.terminal import terminal_of, write_note
from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.deed import Deed
from byoi_tools.model.deployment.fleet import FleetWork
from byoi_tools.reports.terminal import printable


def require_confirmation(name: str, given: str | None, deed: str = "erase") -> None:
    """Return when the deed to a server is confirmed or can be asked for; raises `UsageError` otherwise."""
    remedy = f"Give --confirm {name} if this is the server to {deed}."
    _require(given, name, f"the name of the server {name}", f"{deed} {name}", remedy)


def require_fleet_confirmation(count: int, given: str | None) -> None:
    """Return when the erasure of so many servers is confirmed or can be asked for; raises `UsageError` otherwise."""
    remedy = f"Give --confirm {count} if all of them are to be erased."
    _require(given, str(count), f"the number of the servers, which is {count}", f"erase {count} servers", remedy)


def _require(given: str | None, right: str, meaning: str, deed: str, remedy: str) -> None:
    if given is not None and given != right:
        raise UsageError(f"--confirm {given} is not {meaning}", remedy=remedy)
    if given is None and not _can_ask():
        raise UsageError(f"this would {deed}, and nobody is here to confirm it", remedy=remedy)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(what: str) -> str:
    sys.stderr.write(f"Type {what} to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def confirm_erasure(deed: Deed, given: str | None) -> None:
    """Show what will be done, and return when it may; asks for the server's name when `given` is not it.

    Raises `UsageError` on no.
    """
    from byoi_tools.reports.deed import render_deed

    name, terminal = deed.server.name, terminal_of(sys.stderr)
    require_confirmation(name, given)
    write_note(render_deed(deed, terminal).rstrip("\n"))
    if given != name:
        _ask_for_name(name, f"Everything on {printable(name)} will be ERASED.")


def confirm_fleet(work: FleetWork, given: str | None) -> None:
    """Show every server and what happens to it; return when all may be erased. Raises `UsageError` on no.

    The number that is asked for is that of all servers, so that it is the same when the command is run again.
    """
    require_fleet_confirmation(work.count, given)
    terminal = terminal_of(sys.stderr)
    told = (
        ("Everything on these will be ERASED:", "bad", work.erased),
        ("An earlier run has begun these; they are followed:", "title", work.begun),
        ("These are installed as ordered, and left alone:", "title", work.done),
        ("Nobody knows what became of these; they are left alone:", "title", work.unknown),
    )
    for consequence, style, names in told:
        if names:
            write_note(terminal.paint(consequence, style))
            write_note("\n".join(terminal.wrap(", ".join(names), "  ")))
    if given is not None or not work.erased:
        return
    if _ask("the number of all these servers") != str(work.count):
        raise UsageError("the number of the servers was not typed; nothing was done", remedy="Run the command again.")


def confirm_disturbance(name: str, given: str | None, consequence: str) -> None:
    """Return when the server may be disturbed, as `consequence` says; as `confirm_erasure` does."""
    require_confirmation(name, given, "disturb")
    if given != name:
        _ask_for_name(name, consequence)


def _ask_for_name(name: str, consequence: str) -> None:
    write_note(terminal_of(sys.stderr).paint(consequence, "bad"))
    if _ask("the server's name") != name:
        raise UsageError("the server's name was not typed; nothing was done", remedy="Run the command again to go on.")


def require_deletion_confirmable(*, is_confirmed: bool) -> None:
    """Return when a deletion is confirmed or can be asked for; raises `UsageError` otherwise."""
    if not is_confirmed and not _can_ask():
        raise UsageError("objects would be deleted, and nobody is here to confirm it", remedy="Give --yes.")


def confirm_deletion(shown: str) -> None:
    """Show what will be deleted, and return when the user agrees; raises `UsageError` on no."""
    write_note(shown + terminal_of(sys.stderr).paint("All this will be DELETED.", "bad"))
    if _ask("yes").lower() != "yes":
        raise UsageError("yes was not typed; nothing was done", remedy="Run the command again to go on.")
