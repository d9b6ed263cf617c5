"""A user who deploys to three pretend servers by one file, while their provider keeps what it was asked."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from byoi_tools.simulator.credentials import OAuthClient
from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.servers import SimulatedServer
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import SignedCall
from tests.command import Finished
from tests.simulated_user import api_environment, begin
from tests.unit.simulator.outside import LOADER, small_server

Body = dict[str, Any]
NAMES = ("ns1.simulated", "ns2.simulated", "ns3.simulated")
DEFAULTS = f"[defaults]\nefi-bootloader-path = '{LOADER}'\n"


class AskedSimulator(Simulator):
    """Keeps the bodies of the orders by server, in their order, and counts all requests."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __init__(
        self, servers: Sequence[SimulatedServer], directory: Path, *, oauth_client: OAuthClient | None = None
    ) -> None:
        super().__init__(servers, directory=directory, oauth_client=oauth_client)
        self.orders: list[tuple[str, Body]] = []
        self.requests = 0

    def answer(self, call: SignedCall, target: str) -> object:
        self.requests += 1
        if target.endswith("/reinstall"):
            self.orders.append((target.split("/")[-2], json.loads(call.body)))
        return super().answer(call, target)

    @property
    def posts(self) -> dict[str, int]:
        return dict(Counter(server for server, _ in self.orders))


def metal(name: str, faults: Faults | None = None, *, instant: bool = True) -> SimulatedServer:
    """A server that is done at once, unless its faults are those of an installation."""
    return replace(small_server(faults=faults), name=name, instant=instant)


def three(**faulty: Faults) -> tuple[SimulatedServer, ...]:
    """The three servers; those named by `ns1` and so on really install, with these faults."""
    return tuple(metal(name, faulty.get(name[:3]), instant=name[:3] not in faulty) for name in NAMES)


@dataclass
class FleetScene:
    """A pretend provider, a file of servers, and the flags that every run has."""

    simulator: AskedSimulator
    directory: Path
    flags: tuple[str, ...]
    verb: tuple[str, ...] = ("deploy",)
    more_environment: dict[str, str] = field(default_factory=dict)
    is_by_oauth2: bool = False

    @property
    def file(self) -> Path:
        return self.directory / "fleet.toml"

    def write(self, *tables: str, defaults: str = DEFAULTS) -> None:
        """Write the file: each table is what one `[[server]]` says besides its name."""
        servers = [f'[[server]]\nname = "{name}"\n{table}\n' for name, table in zip(NAMES, tables, strict=False)]
        self.file.write_text(defaults + "".join(servers))

    def arguments(self, *flags: str, confirm: str = "3") -> list[str]:
        confirmed = ["--confirm", confirm] if confirm else []
        return [*self.verb, "--servers", str(self.file), *self.flags, *confirmed, *flags]

    def begin(self, *flags: str, confirm: str = "3", dying: tuple[str, int] = ("never", 0)) -> subprocess.Popen[str]:
        return begin(self.arguments(*flags, confirm=confirm), self.environment, dying)

    def run(self, *flags: str, confirm: str = "3", dying: tuple[str, int] = ("never", 0)) -> Finished:
        process = self.begin(*flags, confirm=confirm, dying=dying)
        output, errors = process.communicate(timeout=180)
        return Finished(process.returncode, output, errors)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self._credentials,
            "XDG_STATE_HOME": str(self.directory / "state"),
            **self.more_environment,
        }

    @property
    def _credentials(self) -> dict[str, str]:
        if not self.is_by_oauth2:
            return api_environment(self.simulator)
        client = self.simulator.oauth_client
        return {
            "OVH_ENDPOINT": self.simulator.url,
            "OVH_CLIENT_ID": client.client_id,
            "OVH_CLIENT_SECRET": client.client_secret,
        }
