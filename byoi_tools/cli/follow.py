"""Follows an installation that another run has started, for `deploy --attach` and `status --watch`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import open_server_receipt, system_clock

if TYPE_CHECKING:
    from byoi_tools.model.server import Task
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.tools.ovh_api import OvhApi


def follow_to_the_end(api: OvhApi, server: str, receipt: Path | None = None) -> bool:
    """Watch and show the installation; False when there is none. Works beside the run that started it."""
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import follow
    from byoi_tools.pipeline.receipt import ReceiptHeld
    from byoi_tools.reports.installation import render_installation

    clock, deployments = system_clock(), None
    with ExitStack() as stack:
        with suppress(ReceiptHeld):  # the run that holds it writes down the end
            deployments = Deployments(stack.enter_context(open_server_receipt(api, server, receipt)), server, clock)
        result = follow(api, server, deployments, clock, Progress())
        if result is not None:
            show_end(render_installation(result), result.task, deployments)
    return result is not None


def show_end(text: str, task: Task, deployments: Deployments | None) -> None:
    """Show the result, and only then write that the deployment has ended: who saw no result may ask again."""
    from byoi_tools.pipeline.installing import conclude

    write_result(text)
    sys.stdout.flush()
    conclude(deployments, task, "done")
