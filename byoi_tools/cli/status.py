"""The verb `status`."""

from __future__ import annotations

from typing import Annotated

import typer

from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, system_clock

Server = Annotated[str, typer.Argument(help="The server's name in the API.", show_default=False)]
Watch = Annotated[bool, typer.Option("--watch", help="Follow a running installation to its end.", envvar="BYOI_WATCH")]


def status(server: Server, watch: Watch = False) -> None:
    """Show the tasks and installation of a server."""
    from byoi_tools.deployment.status import read_status
    from byoi_tools.pipeline.installing import watch as watch_to_the_end
    from byoi_tools.reports.installation import render_installation, render_status

    api = connect_api()
    found = read_status(api, server)
    if watch and found.installation_task is not None:
        result = watch_to_the_end(api, server, found.installation_task, system_clock(), Progress())
        write_result(render_installation(result))
    else:
        write_result(render_status(found))
