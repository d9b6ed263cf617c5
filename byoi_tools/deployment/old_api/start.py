"""The request of the API of the 2020 guides: sent once, never repeated, and its deployment known by its checksum."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from byoi_tools.deployment.misfit import refuse
from byoi_tools.deployment.old_api.body import old_api_body
from byoi_tools.deployment.old_api.status import old_api_route, read_deployment, refuse_missing_route
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.reinstall.start import (
    LOOK_PAUSES_SECONDS,
    is_definite,
    list_secrets,
    refuse_request,
    refuse_unsent,
)
from byoi_tools.deployment.request import find_image_faults
from byoi_tools.errors import DeploymentError, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.old_deployment import OldDeployment, SoughtImage
from byoi_tools.model.deployment.order import Reinstallation
from byoi_tools.model.deployment.server import Task, unnumbered_task
from byoi_tools.model.observer import Observer
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi

_STARTING = "starting"


def start_deployment(
    api: OvhApi,
    reinstallation: Reinstallation,
    clock: Clock,
    observer: Observer,
    intend: Callable[[SoughtImage], None],
) -> Task:
    """Erase the server and install the image: one POST; returns what stands for its deployment.

    `intend` is called just before it, with what this deployment is known by. Raises `DeploymentRefused` when the
    provider certainly did not accept it, or another one runs; `OutcomeUnknown` when it may have, and for a minute no
    deployment of this image is to be found.
    """
    order, image = reinstallation.order, reinstallation.image
    refuse(order.server, find_image_faults(image, order.product))
    before = _read_before(api, order.server)
    checksum = image.checksum.hexadecimal.lower() if image.checksum else ""
    sought = SoughtImage(checksum, was_there=before is not None and before.checksum == checksum)
    intend(sought)
    try:
        api.post(old_api_route(order.server), old_api_body(reinstallation), _secrets(reinstallation))
    except ApiErrorAnswer as answer:
        if is_definite(answer):
            refuse_denial(order.server, answer)
            refuse_missing_route(order.server, answer)
            raise refuse_request(order.server, answer) from answer
        return find_begun(api, order.server, sought, f"{answer.message}: {answer.text}", clock, observer)
    except NoApiAnswer as silence:
        if not silence.was_sent:
            raise refuse_unsent(order.server, silence) from silence
        return find_begun(api, order.server, sought, silence.reason, clock, observer)
    _outwait(api, order.server, before, clock)
    return unnumbered_task(_STARTING)


def find_begun(api: OvhApi, server: str, sought: SoughtImage, trouble: str, clock: Clock, observer: Observer) -> Task:
    """Look for a minute for the deployment of this image, else raise `OutcomeUnknown`.

    `trouble` says why the answer to its request is not known.
    """
    seen: OldDeployment | str = ""
    for seen in _look(api, server, clock):
        if isinstance(seen, OldDeployment) and sought.matches(seen):
            observer.noted(f"the request's answer was lost ({trouble}), but a deployment of its image is there")
            return unnumbered_task(seen.message)
    last = f"the last deployment there is {seen.state.value}" if isinstance(seen, OldDeployment) else seen
    raise OutcomeUnknown(
        f"it is not known whether the image is being deployed on {server}",
        details=f"{trouble}; {last}, and nothing says that it is this one",
        remedy=f"Look with `byoi-tools status {server}` and in the control panel, for some minutes: a second request "
        "may erase what the first one installs. Only then run it again with --again.",
    )


def _read_before(api: OvhApi, server: str) -> OldDeployment | None:
    """The deployment that is there before ours; raises `DeploymentRefused` when it still runs."""
    try:
        before = read_deployment(api, server)
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        raise
    if before is not None and before.is_running:
        raise DeploymentRefused(
            f"another deployment is running on {server}",
            details=f"bringYourOwnImage is {before.state.value}: {before.message}",
            remedy=f"Follow it with `byoi-tools deploy --attach --server {server}`, or end it with `byoi-tools delete "
            f"{server}`.",
        )
    return before


def _outwait(api: OvhApi, server: str, before: OldDeployment | None, clock: Clock) -> None:
    """Wait for a minute while the status is still that of the deployment before: its end would pass for ours."""
    if before is None:
        return
    for seen in _look(api, server, clock):
        if isinstance(seen, OldDeployment) and seen != before:
            return


def _look(api: OvhApi, server: str, clock: Clock) -> Iterator[OldDeployment | str]:
    """Look several times, each a little later; yields the deployment, or what was seen instead."""
    for pause in LOOK_PAUSES_SECONDS:
        clock.sleep(pause)
        try:
            yield read_deployment(api, server) or "no deployment is to be seen"
        except DeploymentError as error:
            yield f"looking for it failed too: {error.message}"


def _secrets(reinstallation: Reinstallation) -> tuple[str, ...]:
    user_data = reinstallation.order.customizations.user_data or b""
    return (*list_secrets(reinstallation), user_data.decode("utf-8", "replace"))
