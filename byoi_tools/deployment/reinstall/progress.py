"""The steps of an installation (`GET /dedicated/server/{serviceName}/install/status`), in the shapes that were seen."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_field, read_integer, read_member, read_text
from byoi_tools.model.deployment.server import InstallProgress, InstallStep, StepStatus
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, OvhApi, server_route

_FAILED_WORDS = ("customer_error", "ovh_error", "customerError", "ovhError", "cancelled")


def read_progress(api: OvhApi, server: str) -> InstallProgress | None:
    """Ask for the steps; None while nothing is being installed, which the API says with a 404."""
    try:
        return as_progress(api.get(server_route(server, "/install/status")))
    except ApiErrorAnswer as answer:
        if answer.status == 404:
            return None
        raise


def as_progress(answer: Json) -> InstallProgress:
    """Read `InstallationProgressStatus`, or the bare list of steps that the API also sends."""
    steps = answer if isinstance(answer, list) else read_field(answer, "progress")
    items = steps if isinstance(steps, list) else []
    return InstallProgress(read_integer(answer, "elapsedTime"), tuple(_as_step(item) for item in items))


def _as_step(item: Json) -> InstallStep:
    """Read a step. OVH's own manager also knows the failed words; other unknown statuses count as at work."""
    if read_field(item, "status") in _FAILED_WORDS:
        status = StepStatus.ERROR
    else:
        status = read_member(item, "status", StepStatus) or StepStatus.DOING
    return InstallStep(read_text(item, "comment"), status, read_text(item, "error"))
