"""A real HTTP server on loopback that serves one object, whole or in ranges, and misbehaves when it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Range = tuple[int, int]


@dataclass
class RangeServer:
    """What it serves and what it was asked; a test changes `content` and the plans while it runs.

    `plan` holds what happens to the next requests, one each: a status to answer with, `"reset"` (in the middle of the
    body), `"close"` (without an answer), `"chunked"`, or None for nothing special. `redirects` maps paths to Locations.
    `exchanges` says what is served from a request of that number on.
    """

    url: str
    content: bytes
    plan: list[int | str | None] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    exchanges: dict[int, bytes] = field(default_factory=dict)
    serves_ranges: bool = True
    has_etag: bool = True
    last_modified: str | None = None
    encoding: str | None = None
    requests: list[tuple[str, Range]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    whole_requests: int = 0  # without a range
    connections: int = 0
    sent_bytes: int = 0  # of bodies


@contextmanager
def serving_ranges(content: bytes, path: str = "/image.raw") -> Iterator[RangeServer]:
    """Serve the content at every path while the context lasts; `url` names `path`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            if "Range" not in self.headers:
                state.whole_requests += 1
            first, last = self._range()
            state.requests.append((self.path, (first, last)))
            state.content = state.exchanges.pop(len(state.requests), state.content)
            state.headers.append(dict(self.headers))
            event = state.plan.pop(0) if state.plan else None
            if self.path.partition("?")[0] in state.redirects:
                self._answer(302, {"Location": state.redirects[self.path.partition("?")[0]]}, b"moved")
            elif isinstance(event, int):
                self._answer(event, {}, b"<Error><Code>Planned</Code></Error>")
            elif event == "close":
                self.close_connection = True
            elif not state.serves_ranges or "Range" not in self.headers:
                encoding = {"Content-Encoding": state.encoding} if state.encoding else {}
                headers = {"Content-Type": "application/octet-stream", **encoding}
                self._answer(200, headers, state.content, is_reset=event == "reset")
            elif first >= len(state.content):
                self._answer(416, {"Content-Range": f"bytes */{len(state.content)}"}, b"")
            else:
                self._answer_range(first, min(last, len(state.content) - 1), event)

        def _range(self) -> Range:
            first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            return int(first), int(last) if last else len(state.content) - 1

        def _answer_range(self, first: int, last: int, event: str | None) -> None:
            body = state.content[first : last + 1]
            headers = {"Content-Range": f"bytes {first}-{last}/{len(state.content)}"}
            if state.has_etag:
                headers["ETag"] = f'"{hash(state.content):x}"'  # which bytes objects remember
            if state.last_modified:
                headers["Last-Modified"] = state.last_modified
            if state.encoding:
                headers["Content-Encoding"] = state.encoding
            if event == "chunked":
                headers["Transfer-Encoding"] = "chunked"
                body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            self._answer(206, headers, body, is_reset=event == "reset")

        def _answer(self, status: int, headers: dict[str, str], body: bytes, *, is_reset: bool = False) -> None:
            self.send_response(status)
            if "Transfer-Encoding" not in headers:
                self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            sent = body[: len(body) // 2] if is_reset else body
            state.sent_bytes += len(sent)
            try:
                self.wfile.write(sent)
            except ConnectionError:  # who asked does not want the rest
                self.close_connection = True
            if is_reset:
                # Closing with a linger time of 0 sends RST (socket(7), SO_LINGER).
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a reset connection is part of the plan."""

    with Server(("127.0.0.1", 0), Handler) as server:
        state = RangeServer(f"http://127.0.0.1:{server.server_port}{path}", content)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
