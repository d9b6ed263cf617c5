"""The rights of the credentials in use, and those that deployments and other verbs need (`/auth/currentCredential`)."""

from __future__ import annotations

from byoi_tools.deployment.fields import read_field, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.reinstall.progress import read_progress
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.order import InstallApi, Purpose
from byoi_tools.model.deployment.planned import AccessRule, find_missing_rights
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, NoApiAnswer, OvhApi, server_route

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
_IPMI = "/features/ipmi"
_STATUS = ("", "/task", "/task/1", "/install/status")
_READS = {
    Purpose.DEPLOY: (*_READ, "/boot/1"),
    Purpose.CANCEL: _STATUS,
    Purpose.RESCUE: (*_STATUS, "/boot", "/boot/1"),
    Purpose.CONSOLE: ("", "/task/1", _IPMI, f"{_IPMI}/access"),
    Purpose.OLD_API: (*_READ, "/boot/1", _OLD_API),
    Purpose.DELETE: (_OLD_API,),
}
_CHANGES = {
    Purpose.DEPLOY: (("POST", "/reinstall"),),
    Purpose.CANCEL: (("POST", "/task/1/cancel"),),
    Purpose.RESCUE: (("PUT", ""), ("POST", "/reboot")),
    Purpose.CONSOLE: (("POST", f"{_IPMI}/access"),),
    Purpose.OLD_API: (("POST", _OLD_API),),
    Purpose.DELETE: (("DELETE", _OLD_API),),
}


def needed_rights(server: str, install_api: InstallApi = InstallApi.REINSTALL) -> tuple[AccessRule, ...]:
    """Every call that a deployment by this API cannot do without; tasks stand with some number."""
    is_old = install_api is InstallApi.BRING_YOUR_OWN_IMAGE
    reads = (AccessRule("GET", server_route(server, suffix)) for suffix in (*_READ, *((_OLD_API,) if is_old else ())))
    changes = (_OLD_API,) if is_old else _CHANGE
    return (*reads, *(AccessRule("POST", server_route(server, suffix)) for suffix in changes))


def purpose_rules(server: str, purpose: Purpose) -> tuple[AccessRule, ...]:
    """The rules of a consumer key that allow just what a purpose asks for on one server, or on all for `*`.

    Beside what a deployment cannot do without: what the server boots now, which decides whether it is in rescue mode.
    """
    route = "/dedicated/server/*" if server == "*" else server_route(server)
    return tuple(AccessRule(method, f"{route}{suffix.replace('/1', '/*')}") for method, suffix in _calls_of(purpose))


def _calls_of(purpose: Purpose) -> tuple[tuple[str, str], ...]:
    """The method and the end of the path of each call; tasks and boots stand with some number."""
    reads = (("GET", suffix) for suffix in _READS[purpose])
    return (*reads, *_CHANGES[purpose])


def refuse_missing_rights(api: OvhApi, server: str, purpose: Purpose) -> None:
    """Raise `DeploymentRefused` that names every right which the key lacks: before a verb has done a half of its work.

    An OAuth2 client, whose rights nobody tells, finds out at the call itself.
    """
    rights = read_rights(api)
    if isinstance(rights, NotExamined):
        return
    calls = tuple(AccessRule(method, server_route(server, suffix)) for method, suffix in _calls_of(purpose))
    missing = find_missing_rights(rights, calls)
    if missing:
        raise DeploymentRefused(
            f"the credentials do not have {len(missing)} of the rights that this needs",
            details="\n".join(f"no rule allows {call}" for call in missing),
            remedy=f"Make a consumer key that has them: `byoi-tools login --for {purpose.value}`, "
            "with further --for where it shall do more.",
        )


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


def try_reading_progress(api: OvhApi, server: str) -> None:
    """Raise `DeploymentRefused` when the credentials may not ask for the steps of an installation.

    For credentials whose rights nobody tells: only the watching asks for them, and the server is erased by then.
    """
    try:
        read_progress(api, server)
    except (ApiErrorAnswer, NoApiAnswer) as answer:
        if isinstance(answer, ApiErrorAnswer):
            refuse_denial(server, answer)


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
