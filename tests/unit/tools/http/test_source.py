"""Images over HTTP, against real servers on loopback: what is read is what is there, or the error says why not."""

from __future__ import annotations

import random
import shutil
import ssl
import subprocess
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from byoi_tools.errors import ImageUnreadable, IntegrityError, StorageError
from byoi_tools.model.secret import Secret
from byoi_tools.tools.http.ranges import HttpRanges
from byoi_tools.tools.http.source import HttpSource
from tests.clock import FakeClock
from tests.range_server import RangeServer, serving_ranges

KIB, MIB = 1024, 1024 * 1024
QUERY = "?X-Amz-Credential=KEYID&X-Amz-Signature=5160a7e5"
CONTENT = random.Random(7).randbytes(3 * MIB + 77)  # noqa: S311 - the same in each run


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with serving_ranges(CONTENT) as running:
        yield running


def opened(server: RangeServer, clock: FakeClock | None = None) -> HttpSource:
    return HttpSource(Secret(server.url + QUERY), "the image", clock or FakeClock())


def show(error: StorageError | ImageUnreadable) -> str:
    return "\n".join([*traceback.format_exception(error), error.message, str(error.details), error.remedy])


def test_reads_what_is_there(server: RangeServer) -> None:
    places = random.Random(8)  # noqa: S311 - the same in each run
    with opened(server) as source:
        assert source.size_bytes == source.allocated_bytes == len(CONTENT)
        for _ in range(200):
            offset, length = places.randrange(len(CONTENT) + 100), places.randrange(200_000)
            assert source.read_at(offset, length) == CONTENT[offset : offset + length]
        assert source.read_at(-1, 10) == b""
        assert source.read_at(len(CONTENT), 1) == b""


def test_counts_what_came(server: RangeServer) -> None:
    with opened(server) as source:
        source.read_at(0, 100)
        source.read_at(2 * MIB, 100)
        assert source.requests == len(server.requests)
        assert source.fetched_bytes == server.sent_bytes


def test_little_is_fetched_for_little(server: RangeServer) -> None:
    with opened(server) as source:
        source.read_at(len(CONTENT) - 10, 10)
    assert server.sent_bytes < 160 * KIB


def test_the_connection_is_kept(server: RangeServer) -> None:
    with opened(server) as source:
        for offset in range(0, len(CONTENT), 200_000):
            source.read_at(offset, 10)
    assert len(server.requests) > 5
    assert server.connections == 1


@pytest.mark.parametrize("event", [408, 429, 500, 502, 503, 504, "reset", "close"])
def test_what_passes_is_tried_again(server: RangeServer, event: int | str) -> None:
    clock = FakeClock()
    server.plan = [None, event, event]
    with opened(server, clock) as source:
        assert source.read_at(MIB, MIB) == CONTENT[MIB : 2 * MIB]
    first, second = clock.sleeps
    assert 0 < first < second < 2


def test_opening_is_tried_again_too(server: RangeServer) -> None:
    server.plan = [503, "reset"]
    with opened(server) as source:
        assert source.read_at(0, 10) == CONTENT[:10]


@pytest.mark.parametrize("event", [503, "reset", "close"])
def test_what_does_not_pass_is_an_error(server: RangeServer, event: int | str) -> None:
    with opened(server) as source:
        server.plan = [event] * 100
        with pytest.raises(StorageError) as caught:
            source.read_at(MIB, 10)
        assert "the image cannot be fetched" in caught.value.message
        assert 2 < len(server.requests) < 10
        server.plan = []
        assert source.read_at(MIB, 10) == CONTENT[MIB : MIB + 10]


@pytest.mark.parametrize(("status", "remedy"), [(401, "AWS_"), (403, "Presign"), (404, "address"), (410, "address")])
def test_refusals_are_not_tried_again(server: RangeServer, status: int, remedy: str) -> None:
    server.plan = [status]
    with pytest.raises(StorageError) as caught:
        opened(server)
    assert len(server.requests) == 1
    assert caught.value.details == f"status {status}, Planned"
    assert remedy in caught.value.remedy


def test_a_server_without_ranges_is_refused(server: RangeServer) -> None:
    server.serves_ranges = False
    with pytest.raises(StorageError) as caught:
        opened(server)
    assert "status 200" in str(caught.value.details)
    assert "download" in caught.value.remedy
    assert len(server.requests) == 1


def test_compressed_answers_are_refused(server: RangeServer) -> None:
    server.encoding = "gzip"
    with pytest.raises(StorageError, match="ranged GET"):
        opened(server)
    assert server.headers[0]["Accept-Encoding"] == "identity"


def test_an_empty_object(server: RangeServer) -> None:
    server.content = b""
    with pytest.raises(ImageUnreadable, match="empty"):
        opened(server)


@pytest.mark.parametrize(
    "content", [CONTENT[::-1], CONTENT + b"x", CONTENT[: MIB + 1], b"short"], ids=["other", "longer", "cut", "short"]
)
def test_an_object_that_is_exchanged_meanwhile(server: RangeServer, content: bytes) -> None:
    with opened(server) as source:
        server.content = content
        with pytest.raises(IntegrityError, match="exchanged"):
            source.read_at(MIB, 10)


def test_without_an_etag_the_time_of_modification_tells(server: RangeServer) -> None:
    server.has_etag, server.last_modified = False, "Wed, 21 Oct 2026 07:28:00 GMT"
    with opened(server) as source:
        source.read_at(MIB, 10)
        server.last_modified = "Wed, 21 Oct 2026 07:28:01 GMT"
        with pytest.raises(IntegrityError, match="exchanged"):
            source.read_at(2 * MIB, 10)


def test_chunked_answers(server: RangeServer) -> None:
    server.plan = ["chunked"] * 3
    with opened(server) as source:
        assert source.read_at(MIB, MIB) == CONTENT[MIB : 2 * MIB]
        assert source.read_at(0, MIB) == CONTENT[:MIB]


def test_redirects_are_followed_once_for_all_reads(server: RangeServer) -> None:
    server.redirects = {"/image.raw": "/elsewhere/image?sig=1", "/elsewhere/image": "/final.raw"}
    with opened(server) as source:
        assert source.read_at(MIB, 10) == CONTENT[MIB : MIB + 10]
    assert [path.partition("?")[0] for path, _ in server.requests] == [
        "/image.raw",
        "/elsewhere/image",
        "/final.raw",
        "/final.raw",
    ]


def test_what_a_redirect_led_to_may_expire(server: RangeServer) -> None:
    server.redirects = {"/image.raw": "/signed"}
    with opened(server) as source:
        server.plan = [403]
        assert source.read_at(MIB, 10) == CONTENT[MIB : MIB + 10]


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/image.raw", "", "//[", "http://a b/", "/\x1b[2J"]
)
def test_redirects_that_are_not_followed(server: RangeServer, location: str) -> None:
    server.redirects = {"/image.raw": location}
    with pytest.raises(StorageError) as caught:
        opened(server)
    assert "\x1b" not in show(caught.value)
    assert "5160a7e5" not in show(caught.value)


def test_no_error_tells_the_query(server: RangeServer) -> None:
    for plan in ([403], [503] * 9, ["reset"] * 9):
        server.plan = list(plan)
        with pytest.raises(StorageError) as caught:
            HttpSource(Secret(server.url + QUERY), server.url, FakeClock())
        assert server.url in caught.value.message
        assert not [secret for secret in ("5160a7e5", "KEYID") if secret in show(caught.value)]


def test_proxy_of_the_environment(server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    host = server.url.removesuffix("/image.raw")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", host.replace("http://", "http://user:pass@"))
    answer = HttpRanges(Secret("http://images.example/debian.raw")).get(0, 9)
    assert answer.content == CONTENT[:10]
    assert server.requests == [("http://images.example/debian.raw", (0, 9))]
    assert server.headers[0]["Host"] == "images.example"
    assert server.headers[0]["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"  # RFC 7617, section 2: base64 of user:pass


@pytest.fixture
def encrypted(tmp_path: Path, server: RangeServer) -> Iterator[tuple[str, Path]]:
    """The address of an https server that redirects to `server`, and its certificate."""
    assert shutil.which("openssl"), "apt-get install openssl"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(206 if self.path == "/image" else 302)
            self.send_header("Location", server.url)
            self.send_header("Content-Range", "bytes 0-1/2")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: clients that do not trust it break off."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"https://127.0.0.1:{running.server_port}", certificate
        finally:
            running.shutdown()
            thread.join()


def test_https_needs_a_trusted_certificate(
    encrypted: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, server: RangeServer
) -> None:
    url, certificate = encrypted
    clock = FakeClock()
    with pytest.raises(StorageError) as caught:
        HttpSource(Secret(url + "/image"), "the image", clock)
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value.details)
    assert clock.sleeps == []
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    with HttpSource(Secret(url + "/image"), "the image", clock) as source:
        assert source.read_at(0, 9) == b"ok"


def test_https_is_not_left_for_http(
    encrypted: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, server: RangeServer
) -> None:
    url, certificate = encrypted
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    with pytest.raises(StorageError) as caught:
        HttpSource(Secret(url + "/moved"), "the image", FakeClock())
    assert "redirect" in str(caught.value.details)
    assert server.requests == []
