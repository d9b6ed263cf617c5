"""Makes a consumer key with the rights that deployments need: asks for it, and waits until its owner has agreed.

Source: OVHcloud guide First steps with the API; python-ovh 1.2 (`POST /auth/credential`, by the application key alone).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from byoi_tools.deployment.fields import read_field, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.rights import purpose_rules
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.deployment.order import Purpose
from byoi_tools.model.deployment.planned import AccessRule
from byoi_tools.model.secret import Secret
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, OvhApi

POLL_SECONDS = 5.0
_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")
_URL = re.compile(r"https?://[!-~]{1,2000}")
_ROUTE = "/auth/credential"
_NOT_YET = ("INVALID_CREDENTIAL", "NOT_CREDENTIAL")


@dataclass(frozen=True, slots=True)
class RequestedKey:
    """A consumer key that means nothing before its owner has opened the URL and agreed there."""

    key: Secret
    validation_url: str


def rules_for(
    servers: tuple[str, ...], purposes: tuple[Purpose, ...] = (Purpose.DEPLOY,), *, is_read_only: bool = False
) -> tuple[AccessRule, ...]:
    """The rules to ask for, each once: those of the purposes on these servers, or on any; GET alone if only reading."""
    rules = [rule for server in (servers or ("*",)) for purpose in purposes for rule in purpose_rules(server, purpose)]
    return tuple(dict.fromkeys(rule for rule in rules if rule.method == "GET" or not is_read_only))


def request_key(api: OvhApi, rules: tuple[AccessRule, ...]) -> RequestedKey:
    """Ask for a key with these rules; raises `DeploymentRefused` when the application key is not accepted."""
    wanted: list[Json] = [{"method": rule.method, "path": rule.path} for rule in rules]
    try:
        answer = api.post_unsigned(_ROUTE, {"accessRules": wanted})
    except ApiErrorAnswer as refusal:
        refuse_denial("", refusal)
        raise
    key, url = read_field(answer, "consumerKey"), read_field(answer, "validationUrl")
    if not isinstance(key, str) or not isinstance(url, str) or not _KEY.fullmatch(key) or not _URL.fullmatch(url):
        raise DeploymentRefused(
            "the API gave no consumer key",
            details=f"the answer to POST {_ROUTE} has no usable consumerKey and validationUrl",
            remedy="Look at the endpoint in OVH_ENDPOINT or ovh.conf.",
        )
    return RequestedKey(Secret(key), url)


def wait_for_validation(api: OvhApi, clock: Clock, timeout_seconds: float) -> None:
    """Return when the key that `api` uses is validated.

    Raises `DeploymentRefused` when its owner refused it, or did not answer in time.
    """
    deadline = clock.monotonic() + timeout_seconds
    while (status := _read_status(api)) != "validated":
        if status not in ("", "pendingValidation"):
            raise DeploymentRefused(
                "the consumer key was not granted", details=f"its status is {status}", remedy="Run the command again."
            )
        if clock.monotonic() >= deadline:
            raise DeploymentRefused(
                "nobody has validated the consumer key in time",
                details=f"waited for {timeout_seconds:.0f} s",
                remedy="Run the command again, and open the URL that it prints; --timeout gives more time.",
            )
        clock.sleep(POLL_SECONDS)


def _read_status(api: OvhApi) -> str:
    """The credential's status, empty as long as the API does not know the key."""
    try:
        return read_text(api.get("/auth/currentCredential"), "status")
    except ApiErrorAnswer as answer:
        if answer.error_class in _NOT_YET:
            return ""
        refuse_denial("", answer)
        raise
