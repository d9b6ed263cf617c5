"""A web server on loopback that answers as the provider's API might, word for word, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import pytest

from byoi_tools.tools.ovh.api import OvhApi

APPLICATION_KEY = "the-application-key"
APPLICATION_SECRET = "the-application-secret"
CONSUMER_KEY = "the-consumer-key"
QUERY_ID = "EU.ext-3.65b8f2d1.1234.abcdef"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `text` replaces the JSON of `body` where it is given."""

    body: object = None
    status: int = 200
    text: str | None = None
    content_type: str = "application/json"

    @property
    def content(self) -> bytes:
        return (json.dumps(self.body) if self.text is None else self.text).encode()


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed after the request was read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; `path` is without the query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


Script = Mapping[str, "Answer | Drop | Sequence[Answer | Drop]"]


class ScriptedApi:
    """Answers `METHOD /path` (or `METHOD /path?query`, which wins) with its answers in order; the last one stays.

    A route that is not in the script is answered as OVH answers an unknown one. `GET /auth/time` works by itself.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._answers = {
            route: list(answers) if isinstance(answers, Sequence) else [answers] for route, answers in script.items()
        }
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/1.0"

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> OvhApi:
        """Configure the environment as a user would, and open the door."""
        configure(monkeypatch, self.url)
        return OvhApi.from_configuration()

    def count(self, route: str) -> int:
        """How often a route was asked."""
        return sum(f"{request.method} {request.path}" == route for request in self.requests)

    def answer(self, request: Request) -> Answer | Drop:
        self.requests.append(request)
        route = f"{request.method} {request.path}"
        answers = self._answers.get(f"{route}?{request.query}") or self._answers.get(route)
        if answers:
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if route == "GET /auth/time":
            return Answer(int(time.time()))
        return Answer({"class": "Client::NotFound", "message": "Got an invalid (or empty) URL"}, 404)

    def __enter__(self) -> ScriptedApi:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1

            def do_GET(self) -> None:
                path, _, query = self.path.removeprefix("/1.0").partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                answer = api.answer(Request(self.command, path, query, dict(self.headers.items()), body))
                if isinstance(answer, Drop):
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.content)))
                self.send_header("X-OVH-QUERYID", QUERY_ID)
                self.end_headers()
                self.wfile.write(answer.content)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                pass

        return Handler


def configure(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Set the environment that python-ovh reads."""
    for name in ("OVH_CLIENT_ID", "OVH_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OVH_ENDPOINT", endpoint)
    monkeypatch.setenv("OVH_APPLICATION_KEY", APPLICATION_KEY)
    monkeypatch.setenv("OVH_APPLICATION_SECRET", APPLICATION_SECRET)
    monkeypatch.setenv("OVH_CONSUMER_KEY", CONSUMER_KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
