"""What the credentials may do."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.deployment.planned import find_missing_rights
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote


@check(
    "api.credentials-rights",
    "the credentials have every right that a deployment needs",
    Severity.ERROR,
    remedy="Make a consumer key with the missing rules (the endpoint's /createToken page).",
)
def credentials_rights(subject: Subject) -> Iterator[Observation]:
    """The credentials have every right that a deployment needs.

    Why: a right that is missing shows in the middle: the server is erased, and its installation cannot be watched.

    How: every call that a deployment makes is compared with the rules of the consumer key; `*` in a rule stands for
    anything. Each call that none covers is a finding. Skipped for OAuth2 clients, whose IAM policies the API does not
    show: a right that they lack is named when it is first used.

    Fix: a new consumer key with `GET /dedicated/server/*` and `POST /dedicated/server/*/reinstall`.

    Source: OVHcloud API, `GET /auth/currentCredential`; OVHcloud guide First steps with the API.
    """
    planned = subject.planned
    for call in find_missing_rights(planned.rights, planned.needed_rights):
        yield Observation(
            "a right is missing",
            observed=f"no rule allows {quote(str(call))}",
            expected=str(call),
            evidence="rules of GET /auth/currentCredential",
            remedy=f"Grant the consumer key {_rule_for(call.method, call.path)}.",
        )


def _rule_for(method: str, path: str) -> str:
    return "GET /dedicated/server/*" if method == "GET" else f"{method} /dedicated/server/*/{path.rpartition('/')[2]}"
