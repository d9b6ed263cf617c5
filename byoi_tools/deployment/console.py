"""Opens a server's console: an address for the browser, valid for a quarter of an hour.

Source: OVHcloud's API, `GET /dedicated/server/{serviceName}/features/ipmi` and `POST`, `GET .../features/ipmi/access`.
"""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.deployment.fields import read_field, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.tasks import as_task, wait_for_end
from byoi_tools.errors import DeploymentFailed, DeploymentRefused
from byoi_tools.model.deployment.server import TaskStatus
from byoi_tools.model.secret import Secret
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, OvhApi, server_route

LIFE_MINUTES = 15
_IPMI = "/features/ipmi"
_WAYS = ("kvmipHtml5URL", "serialOverLanURL")


@dataclass(frozen=True, slots=True)
class Console:
    """Where the console is; whoever has the URL has the server's keyboard. `way` is the provider's word for its kind.

    `expires` is empty where the API does not say.
    """

    url: Secret
    way: str
    expires: str


def open_console(api: OvhApi, server: str, clock: Clock) -> Console:
    """Ask for access: to the screen in a browser, or to the serial line where there is no other.

    Raises `DeploymentRefused` for an unknown server, missing rights, and a server without such a console;
    `DeploymentFailed` when the provider does not open it.
    """
    try:
        api.get(server_route(server))
        way = _choose_way(api, server)
        body: Json = {"ttl": LIFE_MINUTES, "type": way}
        task = as_task(api.post(server_route(server, f"{_IPMI}/access"), body))
        ended = wait_for_end(api, server, task, clock) if task else None
        if ended is not None and ended.status is not TaskStatus.DONE:
            raise _fail(server, f"task {ended.task_id} is {ended.status.value}: {ended.comment}")
        access = api.get(server_route(server, f"{_IPMI}/access"), type=way)
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        raise
    url = read_field(access, "value")
    if not isinstance(url, str) or not url.startswith("https://") or not (url.isprintable() and url.isascii()):
        raise _fail(server, "the API gives no usable address")
    return Console(Secret(url), way, read_text(access, "expiration"))


def _choose_way(api: OvhApi, server: str) -> str:
    try:
        ipmi = api.get(server_route(server, _IPMI))
    except ApiErrorAnswer as answer:
        if answer.status != 404:
            raise
        ipmi = None
    features = read_field(ipmi, "supportedFeatures")
    way = next((way for way in _WAYS if read_field(features, way) is True), None)
    if way is None or read_field(ipmi, "activated") is not True:
        raise DeploymentRefused(
            f"{server} has no console for a browser",
            details="its IPMI is not activated, or supports neither of " + ", ".join(_WAYS),
            remedy=f"Boot the rescue system instead: byoi-tools rescue {server}",
        )
    return way


def _fail(server: str, seen: str) -> DeploymentFailed:
    return DeploymentFailed(
        f"the provider does not open the console of {server}",
        details=seen,
        remedy="Try again in some minutes; the control panel can reset the IPMI.",
    )
