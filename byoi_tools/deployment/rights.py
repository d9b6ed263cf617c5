"""The rights of the credentials in use, and those that a deployment needs (`GET /auth/currentCredential`)."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_field, read_text
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment import InstallApi
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.planned import AccessRule, find_missing_rights
from byoi_tools.tools.ovh_api import ApiErrorAnswer, Json, OvhApi, server_route

_READ = (
    "",
    "/specifications/hardware",
    "/install/compatibleTemplates",
    "/install/status",
    "/task",
    "/task/1",
)
_CHANGE = ("/reinstall",)
_OLD_API = "/bringYourOwnImage"


def needed_rights(server: str, install_api: InstallApi = InstallApi.REINSTALL) -> tuple[AccessRule, ...]:
    """Every call that a deployment by this API cannot do without; tasks stand with some number."""
    is_old = install_api is InstallApi.BRING_YOUR_OWN_IMAGE
    reads = (AccessRule("GET", server_route(server, suffix)) for suffix in (*_READ, *((_OLD_API,) if is_old else ())))
    changes = (_OLD_API,) if is_old else _CHANGE
    return (*reads, *(AccessRule("POST", server_route(server, suffix)) for suffix in changes))


def deployment_rules(server: str) -> tuple[AccessRule, ...]:
    """The rules of a consumer key that allow just what a deployment asks for on one server, or on all for `*`.

    Beside what it cannot do without: what the server boots now, which decides whether it is in rescue mode.
    """
    route = "/dedicated/server/*" if server == "*" else server_route(server)
    reads = (*(suffix.replace("/task/1", "/task/*") for suffix in _READ), "/boot/*")
    rules = [AccessRule("GET", f"{route}{suffix}") for suffix in reads]
    return (*rules, *(AccessRule("POST", f"{route}{suffix}") for suffix in _CHANGE))


def read_rights(api: OvhApi) -> Fact[tuple[AccessRule, ...]]:
    """Ask for the rules of the consumer key (`api.Credential` of OVH's description of /auth).

    Not examined for other credentials: OAuth2 clients have IAM policies, which this route does not tell; and where the
    API refuses the credentials themselves, which it will say again. Raises `NoApiAnswer`.
    """
    try:
        answer = api.get("/auth/currentCredential")
    except ApiErrorAnswer as refusal:
        return NotExamined(f"the API answered {refusal.status} to {refusal.call}")
    rules = read_field(answer, "rules")
    if not isinstance(rules, list):
        return NotExamined("the API does not tell the rules of these credentials")
    return Known(tuple(_read_rule(rule) for rule in rules))


def _read_rule(rule: Json) -> AccessRule:
    return AccessRule(read_text(rule, "method"), read_text(rule, "path"))


def refuse_missing_reads(server: str, rights: Fact[tuple[AccessRule, ...]]) -> None:
    """Raise `DeploymentRefused` that names every missing right when not even the server's facts may be asked for."""
    if isinstance(rights, NotExamined):
        return
    missing = find_missing_rights(rights, needed_rights(server))
    if any(call.method == "GET" for call in missing):
        raise DeploymentRefused(
            f"the credentials do not have {len(missing)} of the rights that a deployment needs",
            details="\n".join(f"no rule allows {call}" for call in missing),
            remedy="Make a consumer key that has them: `byoi-tools login`.",
        )
