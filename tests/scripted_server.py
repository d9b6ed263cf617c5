"""A real HTTP server on loopback that gives one prepared answer to every request, and remembers the requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ScriptedServer:
    """The server's address, and the method and Range header of every request that it got."""

    url: str
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def answering(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Iterator[ScriptedServer]:
    """Serve that answer on a free port while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.requests.append((self.command, self.headers.get("Range")))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the names are those of BaseHTTPRequestHandler

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        seen = ScriptedServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()
