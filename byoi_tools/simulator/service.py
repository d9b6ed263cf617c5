"""The simulator as a running HTTP server: starts it, answers its requests, and stops it with all its work."""

from __future__ import annotations

import json
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TextIO
from urllib.parse import urlsplit

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode as FirmwareMode
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.accelerator import accelerator_argv
from byoi_tools.rehearsal.assembly import free_address, require_machine
from byoi_tools.simulator.credentials import KeyRing, OAuthClient
from byoi_tools.simulator.installation import Surroundings
from byoi_tools.simulator.machine import Machine
from byoi_tools.simulator.power import Power
from byoi_tools.simulator.programs import require_programs
from byoi_tools.simulator.refusals import ApiError, ConnectionDropped, refuse
from byoi_tools.simulator.routes import VERSION_PREFIX, Call, find_route
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from byoi_tools.simulator.signature import Credentials, SignedCall

_BODY_LIMIT_BYTES = 8 * 2**20
_IDLE_SECONDS = 60
_STOP_SECONDS = 5.0


class Simulator:
    """The pretend provider; use it in a `with` statement, or call `start` and `stop`.

    Each server has a folder of its name in `directory`: its disks, and `state.json` with the outcome of its
    last installation. Signatures are judged by a clock that is `clock_drift_seconds` ahead of the one that
    `/auth/time` tells (an injected fault). With `boots` a server runs what was installed on it, in QEMU, until the
    next installation, the rescue system or the simulator's end, and `console.log` has its serial console. `log` gets a
    line for each request (method, path, status), each installation's end and each boot; no secret is among them.
    Raises `ToolMissing` and, for an address it cannot listen on, `UsageError`.
    """

    def __init__(
        self,
        servers: Sequence[SimulatedServer],
        *,
        directory: Path,
        credentials: Credentials | None = None,
        oauth_client: OAuthClient | None = None,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        pace_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
        clock_drift_seconds: float = 0.0,
        log: TextIO | None = None,
        boots: bool = False,
    ) -> None:
        self.credentials = credentials or Credentials.generate()
        self.oauth_client = oauth_client or OAuthClient.generate()
        self._keys = KeyRing(self.credentials, self.oauth_client, clock)
        self._listen = listen
        self._clock = clock
        self._clock_drift_seconds = clock_drift_seconds
        self._log = log
        self._stopped = threading.Event()
        self._http: _HttpServer | None = None
        self._boots = boots
        self._machines = {}
        for server in servers:
            folder = directory.resolve() / server.name
            power = _connect_power(server, folder, self.tell) if boots else None
            self._machines[server.name] = Machine(Surroundings(server, folder, pace_seconds, clock, self.tell, power))

    @property
    def url(self) -> str:
        """Return the API's address, with its version, as an `ovh` endpoint wants it."""
        if self._http is None:
            raise RuntimeError("the simulator has not been started")
        return f"http://{self._listen[0]}:{self._http.server_port}{VERSION_PREFIX}"

    def disk_file(self, server_name: str, disk_group_id: int = 1) -> Path:
        """Return where the first disk of a group is, once something was installed on it."""
        return self._machines[server_name].surroundings.disk_file(disk_group_id)

    def state_file(self, server_name: str) -> Path:
        """Return the JSON file that tells how the last installation ended, and how the server boots."""
        return self._machines[server_name].surroundings.state_file

    def ssh_address(self, server_name: str) -> SshAddress | None:
        """Return where a server answers to SSH; None where servers do not boot."""
        power = self._machines[server_name].surroundings.power
        return power.ssh if power else None

    def start(self) -> None:
        """Begin to listen and to answer, in threads."""
        require_programs()
        if self._boots:
            for machine in self._machines.values():
                is_legacy = machine.server.boot_mode is BootMode.LEGACY
                require_machine(FirmwareMode.LEGACY if is_legacy else FirmwareMode.UEFI)
            accelerator_argv()  # the trial takes seconds where KVM is there and does not work
        for machine in self._machines.values():
            machine.surroundings.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._http = _HttpServer(self._listen, self)
        except OSError as error:
            raise UsageError(
                f"The simulator cannot listen on {self._listen[0]}:{self._listen[1]}",
                details=error.strerror,
                remedy="Choose another address, or port 0 for any free one.",
            ) from error
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def wait_until_stopped(self) -> None:
        """Block until another thread, or a signal handler, calls `stop`."""
        self._stopped.wait()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no installation runs, at most `seconds`; returns whether that is so."""
        deadline = time.monotonic() + seconds
        return all(machine.wait(max(0.0, deadline - time.monotonic())) for machine in self._machines.values())

    def stop(self) -> None:
        """Stop listening, and end installations with the programs that they run; disks stay as they are."""
        self._stopped.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        for machine in self._machines.values():
            machine.halt()
        self.wait_until_idle(_STOP_SECONDS)
        for machine in self._machines.values():
            if machine.surroundings.power is not None:
                machine.surroundings.power.switch_off()

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def tell(self, line: str) -> None:
        """Write a line to the log, if there is one."""
        if self._log is not None:
            self._log.write(re.sub(r"[^\x20-\x7e]", "?", line) + "\n")
            self._log.flush()

    def answer(self, call: SignedCall, target: str) -> object:
        """Return the JSON value that answers a request; raises `ApiError`."""
        if self._stopped.is_set():  # a client may have kept its connection
            raise ConnectionDropped
        answered = self._keys.answer(call, target, lambda: _read_json(call.body))
        if answered is not None:
            return answered
        route, path, arguments, query = find_route(call.method, target)
        caller = None
        if route.is_signed:
            caller = self._keys.identify(call, self._clock() + self._clock_drift_seconds)
        if route.action:
            self._keys.check_granted(caller, call.method, path, route.action)
        body = _read_json(call.body)
        return route.answer(Call(self._machines, self._clock, arguments, query, body, caller))


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listen: tuple[str, int], simulator: Simulator) -> None:
        super().__init__(listen, _Handler)
        self.simulator = simulator

    def handle_error(self, request: object, client_address: object) -> None:
        """Say in one line that a client went away; the base class would print a traceback."""
        self.simulator.tell(f"a connection broke: {sys.exc_info()[0]}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1  # headers and body in one packet: two would wait 40 ms for each other

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - as above

    def _handle(self) -> None:
        assert isinstance(self.server, _HttpServer)  # noqa: S101 - tells the type
        simulator = self.server.simulator
        try:
            status, value = 200, simulator.answer(self._read_call(), self.path)
        except ConnectionDropped:
            self.close_connection = True
            return
        except ApiError as error:
            status, value = error.status, error.body
        except Exception as error:  # the simulator's own fault, told as an API tells its own
            simulator.tell(f"{type(error).__name__} in the simulator: {error}")
            status, value = 500, {"class": "Server::InternalServerError", "message": "Internal server error"}
        simulator.tell(f"{self.command} {urlsplit(self.path).path} {status}")
        self._send(status, json.dumps(value).encode())

    def _read_call(self) -> SignedCall:
        headers = {name.lower(): text for name, text in self.headers.items()}
        length = headers.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > _BODY_LIMIT_BYTES:
            self.close_connection = True
            raise refuse(413, "Client::RequestEntityTooLarge", "The body is too large")
        url = f"http://{headers.get('host', '')}{self.path}"
        return SignedCall(self.command, url, self.rfile.read(int(length)), headers)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-OVH-QUERYID", f"SIM.ext-1.{secrets.token_hex(8)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: the base class would log query strings."""


def _connect_power(server: SimulatedServer, folder: Path, log: Callable[[str], None]) -> Power:
    ssh = SshAddress.parse(server.ssh_address) if server.ssh_address else free_address()
    return Power(server.name, ssh, folder / "console.log", log)


def _read_json(body: bytes) -> object:
    if not body:
        return None
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refuse(400, "Client::BadRequest", "The body is no JSON") from error
    return value
