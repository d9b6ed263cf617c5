"""The door to the provider's API: the only importer of `ovh`, which reads the configuration and signs."""

from __future__ import annotations

import configparser
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias
from urllib.parse import quote, urlencode

from byoi_tools.errors import ByoiError, DeploymentError, UsageError
from byoi_tools.model.secret import HIDDEN, Secret, redact
from byoi_tools.tools.ovh.address import judge_endpoint, token_url
from byoi_tools.tools.ovh.clients import ClientPool

if TYPE_CHECKING:
    import ovh
    import requests

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

CONNECT_SECONDS = 10
READ_SECONDS = 60
_LONGEST_TEXT = 1000
_SHORTEST_SECRET = 4
_OF_THE_CLOCK = ("INVALID_SIGNATURE", "QUERY_TIME_OUT")
_CONFIGURE = (
    "Set OVH_ENDPOINT, OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY (or OVH_CLIENT_ID and "
    "OVH_CLIENT_SECRET), or write them to ovh.conf, as python-ovh's manual says."
)


class ApiErrorAnswer(DeploymentError):
    """The API answered, and not with success.

    `error_class` is the body's `class` or `errorCode`, `text` its message, `denied_actions` what its details say was
    not authorized; each is empty where the body has none. `query_id` identifies the request to the provider's support.
    `clock_offset_seconds` is by how much the API's clock is ahead, looked up when it may be the reason.
    """

    def __init__(self, call: str, status: int, error_class: str, text: str, query_id: str, denied_actions: str) -> None:
        super().__init__(
            f"the API answered {status} to {call}",
            details=describe_answer(text, error_class, query_id),
            remedy="Try again in a few minutes; if it stays so, give the query id to the provider's support.",
        )
        self.call = call
        self.status = status
        self.error_class = error_class
        self.text = text
        self.query_id = query_id
        self.denied_actions = denied_actions
        self.clock_offset_seconds: int | None = None


class NoApiAnswer(DeploymentError):
    """No usable answer came; `was_sent` tells whether the request may have reached the API all the same."""

    def __init__(self, call: str, reason: str, *, was_sent: bool) -> None:
        super().__init__(
            f"the API gave no answer to {call}",
            details=reason,
            remedy="Test the network, and the endpoint in OVH_ENDPOINT or ovh.conf; then try again.",
        )
        self.call = call
        self.reason = reason
        self.was_sent = was_sent


class Client(Protocol):
    """What this door uses of `ovh.Client`."""

    def raw_call(self, method: str, path: str, data: Json, need_auth: bool = True) -> requests.Response:
        """Sign (unless told not to) and send one request; redirects are followed, nothing is repeated."""


class OvhApi:
    """Signed requests to the API; they raise `ApiErrorAnswer`, `NoApiAnswer`, `UsageError` for unusable keys."""

    def __init__(
        self,
        client: Client,
        endpoint: str = "",
        before_each: Callable[[str], None] | None = None,
        *,
        has_application_key: bool = True,
    ) -> None:
        """`endpoint` is its name or URL, as configured; `before_each` is called with the method of each request."""
        self._client = client
        self._before_each = before_each
        self.endpoint = endpoint
        self.has_application_key = has_application_key

    @classmethod
    def from_configuration(
        cls, before_each: Callable[[str], None] | None = None, consumer_key: Secret | None = None
    ) -> Self:
        """Use python-ovh's own configuration: the OVH_* environment, else ./ovh.conf, ~/.ovh.conf, /etc/ovh.conf.

        The endpoint is one of python-ovh's names or, as go-ovh allows, a URL. `consumer_key` takes the place of the
        configured one. Raises `UsageError` when something is missing or contradicts itself; nothing is sent.
        """
        try:
            import ovh  # reads ovh.conf when it is imported
            import ovh.client

            configuration = ovh.config.ConfigurationManager()
            endpoint = configuration.get("default", "endpoint")
        except (configparser.Error, UnicodeDecodeError) as error:
            where = getattr(error, "source", None) or "ovh.conf"
            raise UsageError(f"{where} cannot be parsed", remedy=_CONFIGURE) from None
        if endpoint and "/" in endpoint:
            url = judge_endpoint(endpoint)
            tokens = token_url(url, ovh.client.ENDPOINTS, ovh.client.OAUTH2_TOKEN_URLS)
            ovh.client.ENDPOINTS[endpoint], ovh.client.OAUTH2_TOKEN_URLS[endpoint] = url, tokens
            if tokens.startswith("http:"):  # loopback: oauthlib would take nothing but https
                os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        try:
            key = consumer_key.reveal() if consumer_key else None
            client = ClientPool(lambda: ovh.Client(consumer_key=key, timeout=(CONNECT_SECONDS, READ_SECONDS)))
            has_key = bool(configuration.get(endpoint, "application_key"))
            return cls(client, endpoint or "", before_each, has_application_key=has_key)
        except ovh.exceptions.InvalidRegion:
            known = ", ".join(sorted(name for name in ovh.client.ENDPOINTS if "/" not in name))
            wrong = f"the endpoint {endpoint!r} is unknown" if endpoint else "no endpoint of the provider is configured"
            raise UsageError(wrong, details=f"known endpoints: {known}", remedy=_CONFIGURE) from None
        except ovh.exceptions.InvalidConfiguration as error:
            raise UsageError("the API's credentials are incomplete", details=str(error), remedy=_CONFIGURE) from None

    def get(self, path: str, **query: str) -> Json:
        """GET a route; returns the JSON of its answer."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: Json, secrets: tuple[str, ...] = ()) -> Json:
        """POST to a route, exactly once; returns the JSON of its answer. An error's text does not quote the secrets."""
        return self._call("POST", path, body, secrets)

    def post_unsigned(self, path: str, body: Json) -> Json:
        """POST with the application key alone, which is all that asking for a consumer key takes."""
        return self._call("POST", path, body, is_signed=False)

    def put(self, path: str, body: Json) -> Json:
        """PUT to a route, exactly once; returns the JSON of its answer."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> Json:
        """DELETE a route, exactly once; returns the JSON of its answer."""
        return self._call("DELETE", path, None)

    def clock_offset_seconds(self) -> int | None:
        """How far the API's clock is ahead of this machine's, None where it does not tell its time."""
        try:
            told = self._call("GET", "/auth/time", None, is_signed=False)
        except ByoiError:
            return None
        return round(told - time.time()) if isinstance(told, int | float) else None

    def _call(
        self, method: str, path: str, body: Json, secrets: tuple[str, ...] = (), *, is_signed: bool = True
    ) -> Json:
        call = f"{method} {path.partition('?')[0]}"
        answer = self._send(call, method, path, body, is_signed=is_signed)
        try:
            content: Json = answer.json() if answer.status_code != 204 else None
        except ValueError:
            content = None
            if answer.ok:
                raise NoApiAnswer(call, f"{answer.status_code}, but no JSON", was_sent=True) from None
        if not answer.ok:
            error = _read_error(call, answer, content, secrets)
            if is_signed and error.error_class in _OF_THE_CLOCK:
                error.clock_offset_seconds = self.clock_offset_seconds()
            raise error
        return content

    def _send(self, call: str, method: str, path: str, body: Json, *, is_signed: bool) -> requests.Response:
        import ovh
        import requests

        if self._before_each is not None:
            self._before_each(method)
        try:
            return self._client.raw_call(method, path, body, need_auth=is_signed)
        except (requests.exceptions.InvalidHeader, UnicodeError):
            raise _refuse_key() from None
        except requests.RequestException as error:
            raise NoApiAnswer(call, _describe(error), was_sent=not _is_connection_failure(error)) from None
        except ovh.APIError as error:
            raise _read_failure_before(call, error) from None
        except (AttributeError, TypeError):
            # python-ovh asks for the API's time before it signs, and trips over an answer that is not a number.
            raise NoApiAnswer(call, "the API does not tell its time", was_sent=False) from None


def server_route(name: str, suffix: str = "") -> str:
    """Return the route of a server, its name quoted: `/dedicated/server/NAME` and `suffix`, which begins with a slash.

    Raises `UsageError` for a name that would lead to another route.
    """
    if not name.strip("."):
        raise UsageError(
            f"{name!r} is no server's name", remedy="Give it as the provider lists it, as ns1.example.net."
        )
    return f"/dedicated/server/{quote(name, safe='')}{suffix}"


def clean(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return the provider's text fit to be shown: secrets hidden, one line, no control characters, not endless."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN) if len(secret) >= _SHORTEST_SECRET else text
    shown = " ".join("".join(c if c.isprintable() else " " for c in redact(text)).split())
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[:_LONGEST_TEXT]}..."


def describe_answer(text: str, error_class: str, query_id: str) -> str:
    """Return one line of what an error's answer says."""
    parts = (text, f"class {error_class}" if error_class else "", f"query id {query_id}" if query_id else "")
    return "; ".join(part for part in parts if part) or "its answer says nothing more"


def _read_error(call: str, answer: requests.Response, content: Json, secrets: tuple[str, ...]) -> ApiErrorAnswer:
    """Classify by status and by `class`: routes like `reinstall` have no `errorCode`, on which python-ovh relies."""
    body = content if isinstance(content, dict) else {}
    details = body.get("details")
    denied = details.get("unauthorizedActionsByIAM") if isinstance(details, dict) else None
    text = str(body.get("message") or "") or f"no JSON but {answer.headers.get('Content-Type', 'something else')}"
    return ApiErrorAnswer(
        call=call,
        status=answer.status_code,
        error_class=clean(str(body.get("class") or body.get("errorCode") or "")),
        text=clean(text, secrets),
        query_id=clean(answer.headers.get("X-OVH-QUERYID", "")),
        denied_actions=clean(str(denied or "")),
    )


def _read_failure_before(call: str, error: ovh.APIError) -> ByoiError:
    """Translate what python-ovh raises before the request itself is sent: no key, no token, no time."""
    from ovh.exceptions import InvalidKey, OAuth2FailureError
    from requests.exceptions import InvalidHeader

    if isinstance(error, OAuth2FailureError):
        return ApiErrorAnswer(call, 401, "OAuth2FailureError", clean(str(error)), "", "")
    if isinstance(error, InvalidKey) and error.response is None:
        return UsageError("the consumer key or the application secret is missing", remedy=_CONFIGURE)
    cause = error.args[1] if len(error.args) > 1 else None
    if isinstance(cause, InvalidHeader):
        return _refuse_key()
    reason = _describe(cause) if isinstance(cause, OSError) else "the API does not tell its time"
    return NoApiAnswer(call, reason, was_sent=False)


def _refuse_key() -> UsageError:
    return UsageError(
        "a key of the API's configuration has a character that cannot be sent",
        remedy="Look for line ends, blanks and foreign letters in the keys.",
    )


def _is_connection_failure(error: requests.RequestException) -> bool:
    """Whether no connection was made, so that nothing can have been sent."""
    import requests
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _describe(error: OSError) -> str:
    """Say why nothing came, in words that cannot hold a header or a key."""
    import requests

    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS} s"
    if isinstance(error, requests.Timeout):
        return f"no answer within {READ_SECONDS} s"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return clean(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return "the connection was closed" if isinstance(error, requests.ConnectionError) else type(error).__name__
