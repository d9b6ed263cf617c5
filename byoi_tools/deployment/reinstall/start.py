"""The one destructive request: sent once, never repeated, and looked for when its answer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from byoi_tools.deployment.misfit import refuse
from byoi_tools.deployment.refusals import explain_refusal, refuse_denial
from byoi_tools.deployment.reinstall.payload import encode_user_data, reinstall_body
from byoi_tools.deployment.request import find_image_faults
from byoi_tools.deployment.tasks import as_task, list_reinstallations, read_task
from byoi_tools.errors import DeploymentError, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.order import Reinstallation
from byoi_tools.model.deployment.server import Task
from byoi_tools.model.observer import Observer
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi, describe_answer, server_route

LOOK_PAUSES_SECONDS = (0, 5, 10, 15, 30)


def start_reinstallation(
    api: OvhApi,
    reinstallation: Reinstallation,
    clock: Clock,
    observer: Observer,
    intend: Callable[[frozenset[int]], None],
) -> Task:
    """Erase the server and install the image: one POST, whose task is returned.

    `intend` is called just before it, with the numbers of the reinstallations that are there already: whoever keeps
    them can find this one later. Raises `DeploymentRefused` when the provider certainly did not accept it, and
    `OutcomeUnknown` when it may have: no answer came, or a server error, and no new reinstallation is to be found for a
    minute. A new one that is found is returned.
    """
    order = reinstallation.order
    refuse(order.server, find_image_faults(reinstallation.image, order.product))
    earlier = _list_earlier(api, order.server)
    intend(earlier)
    try:
        route, body = server_route(order.server, "/reinstall"), reinstall_body(reinstallation)
        task = as_task(api.post(route, body, list_secrets(reinstallation)))
        trouble = "the answer names no task"
    except ApiErrorAnswer as answer:
        if is_definite(answer):
            refuse_denial(order.server, answer)
            raise refuse_request(order.server, answer) from answer
        task, trouble = None, f"{answer.message}: {answer.text}"
    except NoApiAnswer as silence:
        if not silence.was_sent:
            raise refuse_unsent(order.server, silence) from silence
        task, trouble = None, silence.reason
    return task or find_accepted(api, order.server, earlier, trouble, clock, observer)


def _list_earlier(api: OvhApi, server: str) -> frozenset[int]:
    """The reinstallations before ours, so that ours can be told from them."""
    try:
        return list_reinstallations(api, server)
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        raise


def is_definite(answer: ApiErrorAnswer) -> bool:
    """Whether the request was refused for certain: it was the client's fault (but no time-out), or is not offered."""
    return (300 <= answer.status < 500 and answer.status != 408) or answer.status == 501


def refuse_request(server: str, answer: ApiErrorAnswer) -> DeploymentRefused:
    """Return the error for a request that the provider refused, with what its class means."""
    explanation = explain_refusal(answer.error_class)
    return DeploymentRefused(
        f"the provider refused to reinstall {server}: {answer.text}",
        details=f"{explanation.cause} ({describe_answer('', answer.error_class, answer.query_id)})",
        remedy=explanation.remedy,
    )


def refuse_unsent(server: str, silence: NoApiAnswer) -> DeploymentRefused:
    """Return the error for a request that certainly never left."""
    return DeploymentRefused(
        f"nothing was sent to {server}: the API cannot be reached", details=silence.reason, remedy=silence.remedy
    )


def find_accepted(
    api: OvhApi, server: str, earlier: frozenset[int], trouble: str, clock: Clock, observer: Observer
) -> Task:
    """Look for a minute for a reinstallation that is not among the earlier ones, else raise `OutcomeUnknown`.

    `trouble` says why the answer to its request is not known.
    """
    seen: Task | str = ""
    for seen in _look(api, server, earlier, clock):
        if isinstance(seen, Task):
            observer.noted(
                f"the request's answer was lost ({trouble}), but task {seen.task_id} was started; following it"
            )
            return seen
    raise OutcomeUnknown(
        f"it is not known whether {server} is being reinstalled",
        details=f"{trouble}; {seen}",
        remedy=f"Look with `byoi-tools status {server}` and in the control panel, for some minutes: a second request "
        "may erase what the first one installs. Only then run it again with --again.",
    )


def _look(api: OvhApi, server: str, earlier: frozenset[int], clock: Clock) -> Iterator[Task | str]:
    """Look several times, each a little later; yields the newest new reinstallation, or what was seen instead."""
    for pause in LOOK_PAUSES_SECONDS:
        clock.sleep(pause)
        try:
            new = list_reinstallations(api, server) - earlier
            yield read_task(api, server, max(new)) if new else "no new reinstallation is to be seen"
        except DeploymentError as error:
            yield f"looking for its task failed too: {error.message}"


def list_secrets(reinstallation: Reinstallation) -> tuple[str, ...]:
    """The values of the request that an error's message may quote, and nobody else may read."""
    image, user_data = reinstallation.image, reinstallation.order.customizations.user_data
    url = image.url.reveal()
    return (
        url,
        url.partition("?")[2],
        *(value.reveal() for _, value in image.http_headers),
        encode_user_data(user_data or b""),
    )
