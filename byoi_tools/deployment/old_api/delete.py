"""Ends a deployment by the API of the 2020 guides (`DELETE /dedicated/server/{serviceName}/bringYourOwnImage`)."""

from __future__ import annotations

from byoi_tools.deployment.old_api.status import old_api_route, read_deployment, refuse_missing_route
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.errors import DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.old_deployment import OldDeployment
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi

_PAUSES_SECONDS = (0, 3, 5, 10, 15)


def read_deletable(api: OvhApi, server: str) -> OldDeployment:
    """Return the deployment that can be deleted; raises `DeploymentRefused` when there is none, or no such API."""
    try:
        found = read_deployment(api, server, _otherwise_ended(server))
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        raise
    if found is None:
        raise DeploymentRefused(
            f"{server} has no deployment by bringYourOwnImage",
            remedy=f"{_otherwise_ended(server)} To boot the rescue system, run `byoi-tools rescue {server}`.",
        )
    return found


def delete_deployment(api: OvhApi, server: str, found: OldDeployment, clock: Clock) -> None:
    """Erase the status, which "puts your server in rescue mode": one DELETE; returns when the status is gone.

    Raises `DeploymentRefused` when the provider does not do it, `OutcomeUnknown` when the answer was lost and the
    status stays for half a minute.
    """
    trouble = ""
    try:
        api.delete(old_api_route(server))
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        refuse_missing_route(server, answer, _otherwise_ended(server))
        if answer.status < 500 and answer.status not in (404, 408):
            raise DeploymentRefused(
                f"the provider does not delete the deployment of {server}: {answer.text}",
                details=answer.details,
                remedy=f"Look at it with `byoi-tools status {server}`.",
            ) from answer
        trouble = f"{answer.message}: {answer.text}; "
    except NoApiAnswer as silence:
        if not silence.was_sent:
            raise
        trouble = f"{silence.reason}; "
    if not _is_gone(api, server, found, clock):
        raise OutcomeUnknown(
            f"it is not known whether the deployment of {server} is deleted",
            details=f"{trouble}its status is still there",
            remedy=f"Look with `byoi-tools status {server}`, and at its screen: byoi-tools console {server}",
        )


def _otherwise_ended(server: str) -> str:
    return f"An installation by reinstall is stopped by `byoi-tools cancel {server}`."


def _is_gone(api: OvhApi, server: str, found: OldDeployment, clock: Clock) -> bool:
    for pause in _PAUSES_SECONDS:
        clock.sleep(pause)
        try:
            left = read_deployment(api, server)
        except (ApiErrorAnswer, NoApiAnswer):
            continue
        if left is None or left.checksum != found.checksum:
            return True
    return False
