"""The status of a deployment by the API of the 2020 guides (`GET .../bringYourOwnImage`), and whether that is there."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_member, read_text
from byoi_tools.deployment.reinstall.start import is_definite
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.old_deployment import DeploymentState, OldDeployment
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, OvhApi, server_route

# What the API answers, with 404, to a route that it does not have; other 404s are about what the route names.
_NO_ROUTE = "invalid (or empty) URL"
_BY_DEFAULT = "Leave out --api bring-your-own-image: the default, reinstall, installs images too."


def old_api_route(server: str) -> str:
    """The one route of that API."""
    return server_route(server, "/bringYourOwnImage")


def read_deployment(api: OvhApi, server: str, instead: str = _BY_DEFAULT) -> OldDeployment | None:
    """Ask for the server's last deployment by this API; None when there is none.

    Raises `DeploymentRefused` where the API has no such route, with what to do `instead`, and `ApiErrorAnswer` and
    `NoApiAnswer`.
    """
    try:
        return as_deployment(api.get(old_api_route(server)))
    except ApiErrorAnswer as answer:
        refuse_missing_route(server, answer, instead)
        if answer.status == 404:
            return None
        raise


def find_deployment(api: OvhApi, server: str) -> OldDeployment | None:
    """Ask as `read_deployment` does; None also where the API refuses to tell: it lacks the route, or the right to it.

    Raises `ApiErrorAnswer` and `NoApiAnswer` when the API is ill.
    """
    try:
        return read_deployment(api, server)
    except DeploymentRefused:
        return None
    except ApiErrorAnswer as answer:
        if is_definite(answer) and answer.status != 429:
            return None
        raise


def as_deployment(answer: Json) -> OldDeployment | None:
    """Read `dedicated.server.ByoiStatus`, whose fields may all be null; None when it has no status.

    A status that is not among the three known ones counts as running: whoever waits then waits on.
    """
    if not read_text(answer, "status"):
        return None
    state = read_member(answer, "status", DeploymentState) or DeploymentState.DOING
    return OldDeployment(state, read_text(answer, "message"), read_text(answer, "checksum").lower())


def refuse_missing_route(server: str, answer: ApiErrorAnswer, instead: str = _BY_DEFAULT) -> None:
    """Raise `DeploymentRefused` when the answer says that the API does not have the route; `instead` is the remedy."""
    if answer.status == 404 and _NO_ROUTE in answer.text:
        raise DeploymentRefused(
            f"the API has no bringYourOwnImage for {server}",
            details=f"it answered 404 to {answer.call}: {answer.text}. OVHcloud's API description no longer has it",
            remedy=f"{instead} To boot the rescue system, run `byoi-tools rescue {server}`.",
        ) from answer
