"""Cancels an installation that runs (`POST /dedicated/server/{serviceName}/task/{taskId}/cancel`)."""

from __future__ import annotations

from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.tasks import wait_for_end
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.server import Task
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, OvhApi, server_route


def cancel_task(api: OvhApi, server: str, task: Task, clock: Clock) -> Task:
    """Ask the provider to stop the task, "if it is possible", and return it as it is when it ended or after 5 minutes.

    Raises `DeploymentRefused` when the provider does not let it be cancelled, or the credentials do not suffice.
    """
    try:
        api.post(server_route(server, f"/task/{task.task_id}/cancel"), None)
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        if answer.status < 500:
            raise DeploymentRefused(
                f"the provider does not cancel task {task.task_id} of {server}: {answer.text}",
                details=answer.details,
                remedy=f"Look at it with `byoi-tools status {server}`: it may have ended, or be too far.",
            ) from answer
        raise
    return wait_for_end(api, server, task, clock)
