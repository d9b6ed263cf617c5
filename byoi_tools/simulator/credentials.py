"""The pretend provider's credentials: consumer keys that are asked for and validated, and OAuth2 clients' tokens.

Sources: OVHcloud guide First steps with the API (`POST /auth/credential`), what python-ovh 1.2 sends for OAuth2 (RFC
6749, section 4.4), and go-ovh's `error.go` (what is denied by IAM). Whoever opens the validation URL has validated.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

from byoi_tools.simulator.refusals import ApiError, refuse, refuse_credential
from byoi_tools.simulator.signature import AccessRule, Credentials, SignedCall, check_caller, check_granted

TOKEN_PATH = "/auth/oauth2/token"  # noqa: S105 - an address
TOKEN_SECONDS = 3599
_CREDENTIAL_PATH = "/1.0/auth/credential"
_VALIDATION_PATH = "/1.0/auth/"
_METHODS = ("GET", "POST", "PUT", "DELETE")
_MOST_PENDING = 1000


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A service account; `actions` are what its IAM policies grant, None is everything."""

    client_id: str
    client_secret: str = field(repr=False)
    actions: frozenset[str] | None = None

    @classmethod
    def generate(cls, actions: frozenset[str] | None = None) -> OAuthClient:
        """Make a client with a random secret."""
        return cls(f"EU.{secrets.token_hex(8)}", secrets.token_hex(16), actions)


class KeyRing:
    """All who may call: the first consumer key, those that were validated since, and the OAuth2 client."""

    def __init__(self, first: Credentials, client: OAuthClient, clock: Callable[[], float]) -> None:
        self._first = first
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: dict[str, Credentials] = {}
        self._validated: dict[str, Credentials] = {first.consumer_key: first}
        self._tokens: dict[str, float] = {}

    def answer(self, call: SignedCall, target: str, body: Callable[[], object]) -> object | None:
        """Return the answer to a call about credentials themselves, None for any other; raises `ApiError`."""
        parts = urlsplit(target)
        match (call.method, parts.path):
            case ("POST", path) if path == TOKEN_PATH:
                return self._grant_token(call)
            case ("POST", path) if path == _CREDENTIAL_PATH:
                return self._request(call, body())
            case ("GET", path) if path == _VALIDATION_PATH:
                return self._validate(parse_qs(parts.query).get("credentialToken", [""])[-1])
        return None

    def identify(self, call: SignedCall, now: float) -> Credentials | None:
        """Return the caller's keys, None for the OAuth2 client; raises `ApiError` for anybody else."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if self._tokens.get(token, 0.0) <= self._clock():
                raise ApiError(401, {"class": "Client::Unauthorized", "message": "Invalid or expired token"})
            return None
        known = self._validated.get(call.headers.get("x-ovh-consumer", ""), self._first)
        check_caller(known, call, now)
        return known

    def check_granted(self, caller: Credentials | None, method: str, path: str, action: str) -> None:
        """Raise `ApiError` unless the caller's rules, or the client's policies, cover the call."""
        if caller is not None:
            check_granted(caller, method, path, action)
        elif self._client.actions is not None and action not in self._client.actions:
            details = {"unauthorizedActionsByIAM": action}
            message = "User not granted for this request"
            raise ApiError(403, {"class": "Client::Forbidden", "message": message, "details": details})

    def _request(self, call: SignedCall, body: object) -> dict[str, object]:
        if call.headers.get("x-ovh-application") != self._first.application_key:
            raise refuse_credential("403 Forbidden", "INVALID_KEY", "This application key is invalid")
        rules = _read_rules(body)
        key, token = secrets.token_hex(16), secrets.token_hex(32)
        with self._lock:
            if len(self._pending) >= _MOST_PENDING:
                raise refuse(400, "Client::BadRequest", "Too many credentials wait for their validation")
            self._pending[token] = replace(self._first, consumer_key=key, rules=rules)
        where = urlsplit(call.url)
        url = f"{where.scheme}://{where.netloc}{_VALIDATION_PATH}?credentialToken={token}"
        return {"consumerKey": key, "state": "pendingValidation", "validationUrl": url}

    def _validate(self, token: str) -> dict[str, object]:
        with self._lock:
            known = self._pending.pop(token, None)
            if known is None:
                raise refuse(404, "Client::NotFound", "This credential token does not exist")
            self._validated[known.consumer_key] = known
        return {"state": "validated", "message": "The consumer key is validated; go back to your terminal"}

    def _grant_token(self, call: SignedCall) -> dict[str, object]:
        fields = parse_qs(call.body.decode("ascii", "replace"))
        expected = f"{self._client.client_id}:{self._client.client_secret}".encode()
        if fields.get("grant_type") != ["client_credentials"]:
            raise ApiError(400, {"error": "unsupported_grant_type"})
        if not hmac.compare_digest(_read_basic(call.headers.get("authorization", "")), expected):
            raise ApiError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = secrets.token_urlsafe(32)
        self._tokens[token] = self._clock() + TOKEN_SECONDS
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "scope": "all"}


def _read_rules(body: object) -> tuple[AccessRule, ...]:
    wanted = body.get("accessRules") if isinstance(body, dict) else None
    if not isinstance(wanted, list) or not wanted or not all(_is_rule(rule) for rule in wanted):
        raise refuse(400, "Client::BadRequest", "Invalid parameter accessRules")
    return tuple(AccessRule(rule["method"], rule["path"]) for rule in wanted)


def _is_rule(rule: object) -> bool:
    return isinstance(rule, dict) and rule.get("method") in _METHODS and str(rule.get("path", "")).startswith("/")


def _read_basic(header: str) -> bytes:
    """The user and password of RFC 7617; empty where there are none."""
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except ValueError:
        return b""
