"""The verb `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from byoi_tools.cli.follow import follow_to_the_end
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api

Server = Annotated[str, typer.Argument(help="The server's name in the API.", show_default=False)]
Watch = Annotated[bool, typer.Option("--watch", help="Follow a running installation to its end.", envvar="BYOI_WATCH")]


def status(server: Server, watch: Watch = False) -> None:
    """Show the tasks and installation of a server."""
    from byoi_tools.deployment.status import read_status
    from byoi_tools.reports.installation import render_status

    api = connect_api()
    if not (watch and follow_to_the_end(api, server)):
        write_result(render_status(read_status(api, server)))
