"""A plain web server on loopback that shows a directory, with ranges or without, as another user would read it."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class StaticServer:
    """Its address, what it asks of who fetches, and the path and Range header of every request that it got."""

    url: str
    serves_ranges: bool = True
    needs_header: tuple[str, str] | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def serving_directory(directory: Path) -> Iterator[StaticServer]:
    """Show the files of the directory under `url` while the context lasts; those that all may read, and no others."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            state.requests.append((self.path, self.headers.get("Range")))
            path = directory / self.path.removeprefix("/pub/")
            if state.needs_header and self.headers.get(state.needs_header[0]) != state.needs_header[1]:
                self._answer(401, b"", {})
            elif not self.path.startswith("/pub/") or not path.is_file():
                self._answer(404, b"", {})
            elif not path.stat().st_mode & stat.S_IROTH:
                self._answer(403, b"", {})
            else:
                self._send(path.read_bytes())

        def _send(self, content: bytes) -> None:
            span = self.headers.get("Range")
            if not span or not state.serves_ranges:
                self._answer(200, content, {})
                return
            first, _, last = span.removeprefix("bytes=").partition("-")
            body = content[int(first) : int(last) + 1]
            end = int(first) + len(body) - 1
            self._answer(206, body, {"Content-Range": f"bytes {first}-{end}/{len(content)}"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:  # who asked does not want the rest
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        state = StaticServer(f"http://127.0.0.1:{server.server_port}/pub")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
