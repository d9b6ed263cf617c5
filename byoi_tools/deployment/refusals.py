"""What the API's refusals mean: missing rights, an unknown server, and the error classes of `POST .../reinstall`.

Sources: OVH's OpenAPI of the route (classes and messages), python-ovh and go-ovh (the front door's errors).
"""

from __future__ import annotations

import re

from byoi_tools.deployment.messages import Explanation
from byoi_tools.errors import DeploymentRefused
from byoi_tools.tools.ovh.api import ApiErrorAnswer, describe_answer, server_route

_CHECK_KEYS = "Make new keys for the endpoint in use (its /createToken page), and look for typing errors in them."
_CREDENTIALS = {
    "INVALID_SIGNATURE": "The application secret or the consumer key is wrong, or this machine's clock is.",
    "QUERY_TIME_OUT": "This machine's clock is wrong, or it changed while the program ran.",
    "INVALID_CREDENTIAL": "The consumer key is unknown, expired or not yet validated.",
    "INVALID_KEY": "The application key is unknown; it belongs to one endpoint (ovh-eu, ovh-ca, ovh-us) alone.",
    "NOT_CREDENTIAL": "The request carried no consumer key that the API knows.",
    "OAuth2FailureError": "The OAuth2 client id or secret is wrong.",
}
_USUAL_OFFSET_SECONDS = 10
_RIGHTS = ("", "NOT_GRANTED_CALL", "FORBIDDEN", "Client::Forbidden")
_CREATED = (["access"], ["bringYourOwnImage"])  # other actions of POST are the last word of the path
_ROUTE = re.compile(r"(?P<method>\w+) /dedicated/server/[^/]+(?P<suffix>.*)")

EXPLAINED_CLASSES = {
    "Client::BadRequest::CustomizationInvalidFormat": Explanation(
        "A value is not of the form that the operating system's customization wants.",
        "Correct the value that the message names.",
    ),
    "Client::BadRequest::CustomizationName": Explanation(
        "This operating system does not know the customization.", "Leave out the option that the message names."
    ),
    "Client::BadRequest::CustomizationSizeExceeded": Explanation(
        "A value, most likely the user data, is too large.", "Shorten the user data; let it fetch the rest at boot."
    ),
    "Client::BadRequest::DiskGroup": Explanation(
        "Nothing can be installed on this disk group.", "Choose another group with --disk-group."
    ),
    "Client::BadRequest::HostnameInvalidFormat": Explanation(
        "The host name breaks RFC 1035.", "Use letters, digits and hyphens, a letter first, at most 63 in each label."
    ),
    "Client::BadRequest::HostnameSizeExceeded": Explanation("The host name is too long.", "Use a shorter one."),
    "Client::BadRequest::TaskAlreadyExists": Explanation(
        "Another task works on the server.", "Wait until it has ended: `byoi-tools status SERVER --watch`."
    ),
    "Client::Forbidden::OperatingSystemLicenseMissing": Explanation(
        "The operating system needs a licence on this server.", "Order the licence, or use another template."
    ),
    "Client::NotFound::DiskGroup": Explanation(
        "The server has no such disk group.", "Choose another group with --disk-group, or leave it out."
    ),
    "Client::NotFound::OperatingSystem": Explanation(
        "The endpoint does not know the product.",
        "Look at the endpoint in OVH_ENDPOINT or ovh.conf: is it the server's?",
    ),
    "Client::Conflict::DisturbAlreadyExists": Explanation(
        "Another process of the provider holds the server: an intervention, or an order.",
        "Try again later; look at the server's interventions in the control panel.",
    ),
    "Client::Conflict::OperatingSystemIncompatible": Explanation(
        "The product cannot be installed on this server.",
        "Look at GET /dedicated/server/SERVER/install/compatibleTemplates; use another product or server.",
    ),
}
_UNKNOWN_CLASS = Explanation(
    "The provider does not accept this request.", "Correct what the message names; nothing was erased."
)


def refuse_denial(server: str, answer: ApiErrorAnswer) -> None:
    """Raise `DeploymentRefused` when the answer says that the server is unknown or the credentials do not suffice."""
    if answer.status == 404 and answer.call == f"GET {server_route(server)}":
        raise DeploymentRefused(
            f"the API knows no server {server}",
            details=_describe(answer),
            remedy="Compare with GET /dedicated/server, and the endpoint (OVH_ENDPOINT or ovh.conf) with the server's.",
        ) from answer
    if answer.error_class in _CREDENTIALS:
        raise DeploymentRefused(
            "the API refuses the credentials",
            details=f"{_CREDENTIALS[answer.error_class]} {_describe_clock(answer)}{_describe(answer)}",
            remedy=_CHECK_KEYS,
        ) from answer
    if answer.status in (401, 403) and answer.error_class in _RIGHTS:
        raise DeploymentRefused(
            f"the credentials do not have the right to {answer.call}",
            details=_describe(answer),
            remedy=f"Grant the consumer key {_name_rule(answer.call)}, or the OAuth2 client {_name_action(answer)}.",
        ) from answer


def explain_refusal(error_class: str) -> Explanation:
    """What the class of a refused reinstallation means."""
    return EXPLAINED_CLASSES.get(error_class, _UNKNOWN_CLASS)


def _describe_clock(answer: ApiErrorAnswer) -> str:
    """How far the clocks are apart, where they can be the reason; a few seconds are the answer's own way."""
    offset = answer.clock_offset_seconds
    if offset is None:
        return ""
    if abs(offset) <= _USUAL_OFFSET_SECONDS:
        return "The clocks agree now: GET /auth/time and this machine's differ by no more than a few seconds. "
    return f"This machine's clock is {abs(offset)} s {'behind' if offset > 0 else 'ahead of'} the API's. "


def _describe(answer: ApiErrorAnswer) -> str:
    return f"{answer.status}: {describe_answer(answer.text, answer.error_class, answer.query_id)}"


def _name_rule(call: str) -> str:
    """The access rule of a consumer key that allows the call."""
    method, _, path = call.partition(" ")
    return (
        f"{method} /dedicated/server/*" if method == "GET" else re.sub(r"(/server/)[^/]+", r"\1*", f"{method} {path}")
    )


def _name_action(answer: ApiErrorAnswer) -> str:
    """The IAM action that allows the call, as OVH's OpenAPI names it (`dedicatedServer:apiovh:task/get`)."""
    match = _ROUTE.fullmatch(answer.call)
    if answer.denied_actions or match is None:
        return answer.denied_actions or "the action of this call"
    method, words = match["method"], [word for word in match["suffix"].split("/") if word and not word.isdecimal()]
    if method != "POST" or words[-1:] in _CREATED:
        words.append("create" if method == "POST" else method.lower())
    return "dedicatedServer:apiovh:" + "/".join(words)
