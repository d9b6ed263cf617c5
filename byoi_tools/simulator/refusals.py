"""The ways in which the simulated provider says no to a request."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request is answered with `status` and the JSON object `body`."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(str(body.get("message", "")))
        self.status = status
        self.body = body


class ConnectionDropped(ApiError):
    """No answer is sent at all: the connection is closed (an injected fault)."""

    def __init__(self) -> None:
        super().__init__(0, {})


def refuse(status: int, error_class: str, message: str) -> ApiError:
    """Return the error in the shape of today's routes: `class` and `message`."""
    return ApiError(status, {"class": error_class, "message": message})


def refuse_credential(http_code: str, error_code: str, message: str) -> ApiError:
    """Return the error in the shape of the API's front door; `http_code` is e.g. "403 Forbidden"."""
    body = {"errorCode": error_code, "httpCode": http_code, "message": message}
    return ApiError(int(http_code.split()[0]), body)


def no_route() -> ApiError:
    """Return the answer to a route that the API does not have."""
    return refuse(404, "Client::NotFound", "Got an invalid (or empty) URL")
