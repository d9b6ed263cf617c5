"""The API's front door: who calls, whether the call is signed as OVH demands, and whether it is granted.

Source: OVH "First steps with the API" and what python-ovh sends (`ovh/client.py`, version 1.2).
"""

from __future__ import annotations

import fnmatch
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from byoi_tools.simulator.refusals import ApiError, refuse_credential

# OVH does not publish its tolerance; one minute of clock skew is known to be refused.
CLOCK_TOLERANCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A right of the consumer key: a method and a path in which `*` stands for anything, slashes too."""

    method: str
    path: str

    def grants(self, method: str, path: str) -> bool:
        """Tell whether the rule covers a call; `path` has no `/1.0` and no query string."""
        return self.method == method and fnmatch.fnmatchcase(path, self.path)


EVERYTHING = tuple(AccessRule(method, "/*") for method in ("GET", "POST", "PUT", "DELETE"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one application and the one consumer key that the simulated provider knows."""

    application_key: str
    application_secret: str = field(repr=False)
    consumer_key: str = field(repr=False)
    rules: tuple[AccessRule, ...] = EVERYTHING

    @classmethod
    def generate(cls) -> Credentials:
        """Make random credentials that may do everything."""
        return cls(secrets.token_hex(8), secrets.token_hex(16), secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class SignedCall:
    """What of an HTTP request goes into its signature; header names are lower case, `url` is the full one."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)


def check_caller(credentials: Credentials, call: SignedCall, now: float) -> None:
    """Raise `ApiError` unless `call` comes from the known application and is signed, just now, with its keys."""
    if call.headers.get("x-ovh-application") != credentials.application_key:
        raise refuse_credential("403 Forbidden", "INVALID_KEY", "This application key is invalid")
    if "x-ovh-consumer" not in call.headers:
        raise refuse_credential("403 Forbidden", "NOT_CREDENTIAL", "You must login first")
    if call.headers["x-ovh-consumer"] != credentials.consumer_key:
        raise refuse_credential("403 Forbidden", "INVALID_CREDENTIAL", "This credential is not valid")
    timestamp = call.headers.get("x-ovh-timestamp", "")
    if not _is_recent(timestamp, now):
        raise refuse_credential("400 Bad Request", "QUERY_TIME_OUT", "Query out of time")
    if not hmac.compare_digest(_sign(credentials, call, timestamp), call.headers.get("x-ovh-signature", "").encode()):
        raise refuse_credential("400 Bad Request", "INVALID_SIGNATURE", "Invalid signature")


def check_granted(credentials: Credentials, method: str, path: str, action: str) -> None:
    """Raise `ApiError` unless a rule of the consumer key covers the call; `action` is the route's IAM name."""
    if any(rule.grants(method, path) for rule in credentials.rules):
        return
    raise ApiError(
        403,
        {
            "class": "Client::Forbidden",
            "message": "User not granted for this request",
            "details": {"unauthorizedActionsByAuthentication": action},
        },
    )


def _is_recent(timestamp: str, now: float) -> bool:
    return (
        timestamp.isascii()
        and timestamp.isdigit()
        and len(timestamp) < 20
        and abs(int(timestamp) - now) <= CLOCK_TOLERANCE_SECONDS
    )


def _sign(credentials: Credentials, call: SignedCall, timestamp: str) -> bytes:
    signed = b"+".join(
        (
            credentials.application_secret.encode(),
            credentials.consumer_key.encode(),
            call.method.encode(),
            call.url.encode(),
            call.body,
            timestamp.encode(),
        )
    )
    return b"$1$" + hashlib.sha1(signed, usedforsecurity=False).hexdigest().encode()
