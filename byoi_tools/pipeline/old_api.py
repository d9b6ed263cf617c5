"""Comes back to a deployment by the API of the 2020 guides, which is known by its image's checksum alone."""

from __future__ import annotations

from byoi_tools.deployment.old_api.start import find_begun
from byoi_tools.deployment.old_api.status import read_deployment
from byoi_tools.deployment.tasks import is_passing
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.old_deployment import DeploymentState, OldDeployment, SoughtImage
from byoi_tools.model.deployment.server import Task, TaskStatus, unnumbered_task
from byoi_tools.model.observer import Observer
from byoi_tools.pipeline.deployments import Deployments
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi

_ENDED = {DeploymentState.DONE: TaskStatus.DONE, DeploymentState.ERROR: TaskStatus.CUSTOMER_ERROR}


def recover_deployment(
    api: OvhApi,
    server: str,
    sought: SoughtImage,
    trouble: str | None,
    deployments: Deployments,
    clock: Clock,
    observer: Observer,
) -> tuple[Task, bool]:
    """Return what stands for the deployment that an earlier run left behind, and whether the API still tells of it.

    `trouble` says why the answer to its request is not known, None where it was accepted. Raises `OutcomeUnknown` when
    the request may have been sent, and no such deployment is to be found. One that cannot be read for the moment counts
    as running.
    """
    if trouble is not None:
        task = find_begun(api, server, sought, trouble, clock, observer)
        deployments.accept(task.task_id)
        return task, True
    try:
        found = read_deployment(api, server)
    except DeploymentRefused:  # the API has been taken away since
        return unnumbered_task(""), False
    except (ApiErrorAnswer, NoApiAnswer) as error:
        if not is_passing(error):
            raise
        return unnumbered_task(""), True
    if found is None or found.checksum != sought.checksum:
        return unnumbered_task(""), False
    return _as_task(found), True


def _as_task(found: OldDeployment) -> Task:
    running = unnumbered_task(found.message)
    return Task(running.task_id, running.function, _ENDED.get(found.state, running.status), found.message)
