"""The API's routes: method, path, IAM action, and who answers.

Paths and actions are those of OVH's OpenAPI; `/dedicated/installationTemplate` and `/auth/time` are public, and
`/auth/currentCredential` needs no right beside the keys themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from byoi_tools.simulator.condition import BOOTS
from byoi_tools.simulator.descriptions import describe_credential, describe_hardware, describe_ipmi, describe_server
from byoi_tools.simulator.machine import Machine
from byoi_tools.simulator.refusals import no_route, refuse
from byoi_tools.simulator.signature import Credentials
from byoi_tools.simulator.templates import TEMPLATES

VERSION_PREFIX = "/1.0"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that found its route: `arguments` from its path, `query`, and the JSON value of its body.

    `credentials` are the caller's keys; None where nobody signed, or an OAuth2 client calls.
    """

    machines: Mapping[str, Machine]
    clock: Callable[[], float]
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    credentials: Credentials | None

    @property
    def machine(self) -> Machine:
        """Return the server that the path names; raises `ApiError` when there is none."""
        machine = self.machines.get(self.arguments["serviceName"])
        if machine is None:
            raise refuse(404, "Client::NotFound", "This service does not exist")
        return machine

    @property
    def task_id(self) -> int:
        """Return the task that the path names; raises `ApiError` when it is no number."""
        return self._number("taskId")

    @property
    def boot_id(self) -> int:
        """Return the boot that the path names; raises `ApiError` when it is no number."""
        return self._number("bootId")

    def _number(self, name: str) -> int:
        text = self.arguments[name]
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise refuse(400, "Client::BadRequest", f"Invalid parameter {name}: a number was expected")
        return int(text)


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is OpenAPI's template; `action` is empty for a route that needs no right."""

    method: str
    path: str
    action: str
    answer: Callable[[Call], object]
    is_signed: bool = True

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the arguments in `path`, decoded, if the request is for this route."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        match = re.fullmatch(pattern, path) if method == self.method else None
        return {name: unquote(text) for name, text in match.groupdict().items()} if match else None


def _tell_template(call: Call) -> object:
    name = call.arguments["templateName"]
    if name not in TEMPLATES:
        raise refuse(404, "Client::NotFound", f"The requested object (templateName = {name}) does not exist")
    return TEMPLATES[name].as_json()


def _tell_credential(call: Call) -> object:
    if call.credentials is None:
        raise refuse(403, "Client::Forbidden", "This call is for consumer keys")
    return describe_credential(call.credentials, call.clock())


def _tell_accesses(call: Call) -> object:
    """Return `dedicated.server.Access`; its password is the id of a secret, not the secret."""
    name = call.machine.server.name
    return [{"type": "SSH", "user": "root", "url": f"ssh://{name}", "password": f"{_SECRET_ID}{name}"}]


def _retrieve_secret(call: Call) -> object:
    wanted = str(call.body.get("id", "")) if isinstance(call.body, dict) else ""
    if not wanted.startswith(_SECRET_ID) or wanted.removeprefix(_SECRET_ID) not in call.machines:
        raise refuse(404, "Client::NotFound", "This secret does not exist, or has expired")
    expires = datetime.fromtimestamp(call.clock() + 3600, UTC).isoformat(timespec="seconds")
    return {"secret": hashlib.sha256(wanted.encode()).hexdigest()[:16], "expiration": expires}


def _list_tasks(call: Call) -> object:
    return call.machine.list_tasks(call.query.get("function", ""), call.query.get("status", ""))


def _list_templates(call: Call) -> object:
    server = call.machine.server
    return {"ovh": server.condition.or_null("templates", list(server.operating_systems)), "personal": []}


def _list_boots(call: Call) -> object:
    wanted = call.query.get("bootType", "")
    return [boot_id for boot_id, boot_type in BOOTS.items() if wanted in ("", boot_type) and call.machine]


def _tell_boot(call: Call) -> object:
    boot_type = BOOTS.get(call.boot_id) if call.machine else None
    if boot_type is None:
        raise refuse(404, "Client::NotFound", f"The requested object (bootId = {call.boot_id}) does not exist")
    return {"bootId": call.boot_id, "bootType": boot_type, "description": f"Boot {boot_type}", "kernel": boot_type}


_SECRET_ID = "simulated-"  # noqa: S105 - what ids of secrets begin with
_SERVER = "/dedicated/server/{serviceName}"
_OLD_API = f"{_SERVER}/bringYourOwnImage"
_IPMI = f"{_SERVER}/features/ipmi"
_ACTION = "dedicatedServer:apiovh:"
ROUTES = (
    Route("GET", "/auth/time", "", lambda call: int(call.clock()), is_signed=False),
    Route("GET", "/auth/currentCredential", "", _tell_credential),
    Route("GET", "/dedicated/installationTemplate/{templateName}", "", _tell_template, is_signed=False),
    Route("GET", "/dedicated/server", f"{_ACTION}get", lambda call: list(call.machines)),
    Route("GET", _SERVER, f"{_ACTION}get", lambda call: describe_server(call.machine)),
    Route(
        "GET",
        f"{_SERVER}/specifications/hardware",
        f"{_ACTION}specifications/hardware/get",
        lambda call: describe_hardware(call.machine.server),
    ),
    Route(
        "GET",
        f"{_SERVER}/install/compatibleTemplates",
        f"{_ACTION}install/compatibleTemplates/get",
        _list_templates,
    ),
    Route(
        "GET",
        f"{_SERVER}/install/status",
        f"{_ACTION}install/status/get",
        lambda call: call.machine.tell_install_status(),
    ),
    Route("GET", f"{_SERVER}/boot", f"{_ACTION}boot/get", _list_boots),
    Route("GET", f"{_SERVER}/boot/{{bootId}}", f"{_ACTION}boot/get", _tell_boot),
    Route("GET", f"{_SERVER}/task", f"{_ACTION}task/get", _list_tasks),
    Route("GET", f"{_SERVER}/task/{{taskId}}", f"{_ACTION}task/get", lambda call: call.machine.tell_task(call.task_id)),
    Route(
        "POST",
        f"{_SERVER}/task/{{taskId}}/cancel",
        f"{_ACTION}task/cancel",
        lambda call: call.machine.cancel_task(call.task_id),
    ),
    Route(
        "POST",
        f"{_SERVER}/authenticationSecret",
        f"{_ACTION}authenticationSecret/create",
        _tell_accesses,
    ),
    Route("POST", "/secret/retrieve", "", _retrieve_secret),
    Route("GET", "/me", "", lambda call: {"nichandle": "xx1111-ovh", "country": "FR", "currency": {"code": "EUR"}}),
    Route("PUT", _SERVER, f"{_ACTION}put", lambda call: call.machine.change(call.body)),
    Route("POST", f"{_SERVER}/reboot", f"{_ACTION}reboot", lambda call: call.machine.reboot()),
    Route("GET", _IPMI, f"{_ACTION}features/ipmi/get", lambda call: call.machine and describe_ipmi()),
    Route(
        "GET",
        f"{_IPMI}/access",
        f"{_ACTION}features/ipmi/access/get",
        lambda call: call.machine.tell_console(call.query.get("type", "")),
    ),
    Route(
        "POST",
        f"{_IPMI}/access",
        f"{_ACTION}features/ipmi/access/create",
        lambda call: call.machine.request_console(call.body),
    ),
    Route("GET", _OLD_API, f"{_ACTION}bringYourOwnImage/get", lambda call: call.machine.tell_deployment()),
    Route("POST", _OLD_API, f"{_ACTION}bringYourOwnImage/create", lambda call: call.machine.deploy_image(call.body)),
    Route("DELETE", _OLD_API, f"{_ACTION}bringYourOwnImage/delete", lambda call: call.machine.delete_deployment()),
    Route("POST", f"{_SERVER}/reinstall", f"{_ACTION}reinstall", lambda call: call.machine.reinstall(call.body)),
)


def find_route(method: str, target: str) -> tuple[Route, str, dict[str, str], dict[str, str]]:
    """Return the route of a request, its path without `/1.0`, its arguments and its query.

    Raises `ApiError` for an address that the API does not have.
    """
    parts = urlsplit(target)
    path = parts.path.removeprefix(VERSION_PREFIX)
    if path != parts.path:
        for route in ROUTES:
            arguments = route.match(method, path)
            if arguments is not None:
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                return route, path, arguments, query
    raise no_route()
