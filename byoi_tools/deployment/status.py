"""What happens on a server now, for whoever comes back to it."""

from __future__ import annotations

from byoi_tools.deployment.old_api.status import find_deployment
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.reinstall.progress import read_progress
from byoi_tools.deployment.tasks import find_running_tasks, is_passing
from byoi_tools.model.deployment.server import ServerStatus
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi, server_route

_PATIENCE_SECONDS = 300
_PAUSE_SECONDS = 10


def read_status(api: OvhApi, name: str) -> ServerStatus:
    """Ask for the running tasks and the installation's steps.

    Raises `DeploymentRefused` for an unknown server or missing rights, `ApiErrorAnswer` and `NoApiAnswer` when the API
    is ill.
    """
    try:
        api.get(server_route(name))
        tasks, progress = find_running_tasks(api, name), read_progress(api, name)
        return ServerStatus(name, tasks, progress, find_deployment(api, name))
    except ApiErrorAnswer as answer:
        refuse_denial(name, answer)
        raise


def read_status_patiently(api: OvhApi, name: str, clock: Clock) -> ServerStatus:
    """Do as `read_status`, and wait for five minutes until the API is well again."""
    deadline = clock.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return read_status(api, name)
        except (ApiErrorAnswer, NoApiAnswer) as trouble:
            if not is_passing(trouble) or clock.monotonic() >= deadline:
                raise
            clock.sleep(_PAUSE_SECONDS)
