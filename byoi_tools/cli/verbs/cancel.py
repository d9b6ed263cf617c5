"""The verb `cancel`."""

from __future__ import annotations

from contextlib import suppress

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_disturbance
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, open_server_receipt, system_clock
from byoi_tools.errors import DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.order import Purpose
from byoi_tools.model.deployment.server import Task, TaskStatus


def cancel(server: options.AnyServer, confirm: options.ConfirmDisturbance = None) -> None:
    """Stop an installation that runs.

    What is on the server's disk by then is neither the old system nor the new one.
    """
    from byoi_tools.deployment.cancel import cancel_task
    from byoi_tools.deployment.rights import refuse_missing_rights
    from byoi_tools.deployment.status import read_status
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import conclude
    from byoi_tools.pipeline.receipt import ReceiptHeld

    api, clock = connect_api(), system_clock()
    refuse_missing_rights(api, server, Purpose.CANCEL)
    found = read_status(api, server)
    task = found.installation_task
    if task is None and found.watched_task is not None:
        raise DeploymentRefused(
            f"{found.watched_task.title} is running on {server}, and has no task that could be cancelled",
            remedy=f"End it with `byoi-tools delete {server}`.",
        )
    if task is None:
        raise DeploymentRefused(
            f"nothing is being installed on {server}", remedy=f"Look at it with `byoi-tools status {server}`."
        )
    confirm_disturbance(server, confirm, f"The installation of {server} (task {task.task_id}) will be stopped.")
    ended = cancel_task(api, server, task, clock)
    _refuse_unless_cancelled(server, ended)
    with suppress(ReceiptHeld), open_server_receipt(api, server, None) as opened:  # who holds it writes the end
        conclude(Deployments(opened, server, clock), ended, "cancelled")
    write_result(f"task {ended.task_id} is cancelled; deploy again, or boot the rescue system: rescue {server}\n")


def _refuse_unless_cancelled(server: str, task: Task) -> None:
    if task.status.is_running:
        raise OutcomeUnknown(
            f"the provider has not stopped task {task.task_id} of {server} yet",
            details=f"it is {task.status.value}",
            remedy=f"Look with `byoi-tools status {server}`.",
        )
    if task.status is not TaskStatus.CANCELLED:
        raise DeploymentRefused(
            f"task {task.task_id} of {server} had ended before it was cancelled",
            details=f"it is {task.status.value}",
            remedy="Look at the server before you do more.",
        )
