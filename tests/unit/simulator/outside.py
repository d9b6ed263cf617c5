"""What the simulator's tests put around it: tiny real images, a web server for them, and the real ovh client."""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Protocol

import ovh

from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.servers import BootMode, DiskGroup, SimulatedServer
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import Credentials

MIB = 2**20
LOADER = r"\EFI\debian\grubx64.efi"
SERVER = "/dedicated/server/ns1.simulated"
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEk7gmCiBkmN1PTI0ETFFxyJzpvyZfZ0mFHb0hpNl9pS me@example.org"


class Start(Protocol):
    """Starts a simulator of one server, which stops at the end of the test."""

    def __call__(self, server: SimulatedServer, *, pace_seconds: float = 0.0) -> Simulator: ...


def small_server(
    *, boot_mode: BootMode = BootMode.UEFI, memory_mib: int = 4096, faults: Faults | None = None
) -> SimulatedServer:
    """Return ns1.simulated with disks of 1 GB; nothing can be installed on its third disk group."""
    nvme, sata = DiskGroup(1, 2, 1, "NVMe"), DiskGroup(2, 1, 1, "SATA")
    groups = (nvme, sata, DiskGroup(3, 1, 1, "SATA", installable=False))
    return SimulatedServer("ns1.simulated", boot_mode, memory_mib, groups, faults=faults or Faults())


def sh(command: str, *, script: str = "") -> str:
    """Run a shell command with `script` on its standard input; returns its standard output."""
    argv = ("bash", "-ec", command)
    done = subprocess.run(argv, check=True, input=script, capture_output=True, text=True, timeout=30)
    return done.stdout


def make_gpt_image(path: Path, *, size_mib: int = 16, loaders: tuple[str, ...] = ("debian/grubx64.efi",)) -> Path:
    """Make a raw image: GPT, an ESP of 4 MiB with the loaders under EFI/, and a partition full of a pattern."""
    sh(f"truncate -s {size_mib}M {path}")
    sh(
        f"sfdisk --quiet --no-reread --no-tell-kernel {path}",
        script=f"label: gpt\nsize=4M, type={ESP}\nsize={size_mib - 6}M\n",
    )
    esp = f"-i {path}@@{MIB}"
    sh(f"mformat {esp} -T 8192 -v ESP :: && mmd {esp} ::/EFI")
    for loader in loaders:
        sh(f"mmd {esp} ::/EFI/{loader.split('/')[0]} && mcopy {esp} - ::/EFI/{loader}", script="a loader")
    with path.open("r+b") as file:
        file.seek(5 * MIB)
        file.write(bytes(range(256)) * (MIB // 256))
    return path


def make_mbr_image(path: Path, *, primaries: int = 1) -> Path:
    """Make a raw image: MBR with boot code and so many primary partitions of 1 MiB."""
    sh(f"truncate -s 8M {path}")
    sh(f"sfdisk --quiet --no-reread --no-tell-kernel {path}", script="label: dos\n" + "size=1M, type=83\n" * primaries)
    with path.open("r+b") as file:
        file.write(b"\xeb\x63\x90 boot code")
    return path


def to_qcow2(raw: Path) -> Path:
    """Convert a raw image; returns the path of the qcow2 beside it."""
    target = raw.with_suffix(".qcow2")
    sh(f"qemu-img convert -f raw -O qcow2 {raw} {target}")
    return target


@dataclass
class ImageHost:
    """A web server on loopback: `/files/NAME` serves a file of `directory`, other paths misbehave.

    `/moved/NAME` redirects to the file, `/guarded/NAME` wants the header `X-Token: secret`, `/short/NAME` ends
    early, `/stalled` never ends, `/file/NAME` and `/ftp/NAME` redirect to those schemes.
    """

    directory: Path
    requests: list[tuple[str, str]] = field(default_factory=list)
    _is_open: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Whoever fetches something meanwhile waits for the end of it, and so does an installation."""
        self._is_open.clear()
        try:
            yield
        finally:
            self._is_open.set()

    def __enter__(self) -> ImageHost:
        self._is_open.set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.requests.append((self.command, self.path))
                with suppress(ConnectionError):
                    host.answer(self)

            do_HEAD = do_GET  # noqa: N815 - the name is http.server's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self._is_open.wait()
        _, kind, *rest = handler.path.split("?")[0].split("/")
        file = self.directory / (rest[0] if rest else "missing")
        if kind == "moved":
            self._redirect(handler, f"/files/{file.name}")
        elif kind in ("file", "ftp"):
            self._redirect(handler, f"{kind}://{file}")
        elif kind == "stalled":
            self._send(handler, b"QFI\xfb", 100)
            time.sleep(20)
        elif not file.is_file():
            handler.send_error(404)
        elif kind == "guarded" and handler.headers.get("X-Token") != "secret":
            handler.send_error(403)
        else:
            content = file.read_bytes()
            self._send(handler, content[:1000] if kind == "short" else content, len(content))

    def _redirect(self, handler: BaseHTTPRequestHandler, location: str) -> None:
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _send(self, handler: BaseHTTPRequestHandler, content: bytes, length: int) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(content)


class Api:
    """The real `ovh` client, pointed at a simulator."""

    def __init__(
        self, simulator: Simulator, credentials: Credentials | None = None, timeout_seconds: float = 10
    ) -> None:
        known = credentials or simulator.credentials
        ovh.client.ENDPOINTS["simulated"] = simulator.url
        self._client = ovh.Client(
            endpoint="simulated",
            application_key=known.application_key,
            application_secret=known.application_secret,
            consumer_key=known.consumer_key,
            timeout=timeout_seconds,
        )

    def get(self, path: str) -> object:
        return self._client.call("GET", path, None, True)

    def get_object(self, path: str) -> dict[str, object]:
        answer = self.get(path)
        assert isinstance(answer, dict)
        return answer

    def post(self, path: str, body: Mapping[str, object] | None = None) -> object:
        return self._client.call("POST", path, body, True)

    def put(self, path: str, body: Mapping[str, object]) -> object:
        return self._client.call("PUT", path, body, True)

    def reinstall(self, body: Mapping[str, object]) -> int:
        answer = self.post(f"{SERVER}/reinstall", body)
        assert isinstance(answer, dict)
        return int(answer["taskId"])

    def get_refusal(self, path: str) -> tuple[int, dict[str, object]]:
        """Return the status and the body of a GET that fails."""
        return self._refusal("GET", path, None)

    def post_refusal(self, path: str, body: Mapping[str, object] | None = None) -> tuple[int, dict[str, object]]:
        """Return the status and the body of a POST that fails."""
        return self._refusal("POST", path, body)

    def _refusal(self, method: str, path: str, body: Mapping[str, object] | None) -> tuple[int, dict[str, object]]:
        try:
            self._client.call(method, path, body, True)
        except ovh.exceptions.APIError as error:
            return error.response.status_code, error.response.json()
        raise AssertionError("the call was answered")


def order(url: str, image: Path | None = None, **customizations: object) -> dict[str, object]:
    """Return the body of a reinstallation; with `image`, its type and SHA-512 are told."""
    told: dict[str, object] = {"imageURL": url, "imageType": "raw", "efiBootloaderPath": LOADER}
    if image is not None:
        told["imageType"] = "qcow2" if image.suffix == ".qcow2" else "raw"
        told["imageCheckSum"] = hashlib.sha512(image.read_bytes()).hexdigest()
        told["imageCheckSumType"] = "sha512"
    return {"operatingSystem": "byoi_64", "customizations": told | customizations}


def failed_step(api: Api) -> tuple[str, str]:
    """Return the comment and the error of the step at which the installation failed."""
    progress = api.get_object(f"{SERVER}/install/status")["progress"]
    assert isinstance(progress, list)
    failed = [step for step in progress if step["status"] == "error"]
    assert len(failed) == 1
    return failed[0]["comment"], failed[0]["error"]
