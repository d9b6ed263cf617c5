"""The verb `console`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.terminal import write_note, write_result
from byoi_tools.cli.wiring import connect_api, system_clock
from byoi_tools.model.deployment.order import Purpose


def console(server: options.AnyServer) -> None:
    """Print a URL of a server's screen and keyboard.

    It works for 15 minutes, and for everybody who has it.
    """
    from byoi_tools.deployment.console import open_console
    from byoi_tools.deployment.rights import refuse_missing_rights

    api = connect_api()
    refuse_missing_rights(api, server, Purpose.CONSOLE)
    found = open_console(api, server, system_clock())
    write_note(f"{found.way}, until {found.expires or 'a quarter of an hour from now'}")
    write_result(f"{found.url.reveal()}\n")
