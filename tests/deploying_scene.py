"""A user who deploys to a pretend provider that counts requests, in processes that die where a test tells them to."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.refusals import ConnectionDropped
from byoi_tools.simulator.servers import SimulatedServer
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import SignedCall
from tests.command import Finished
from tests.simulated_user import api_environment, begin
from tests.unit.simulator.outside import small_server

NAME = "ns1.simulated"


class CountingSimulator(Simulator):
    """Counts the requests to reinstall, and can kill whoever sends one, before or after it is accepted.

    `was_watched` is set by each request for the installation's status.
    """

    def __init__(self, server: SimulatedServer, directory: Path) -> None:
        super().__init__([server], directory=directory)
        self.posts = 0
        self.victim: subprocess.Popen[str] | None = None
        self.dies_before_it_is_accepted = False
        self.was_watched = threading.Event()

    def answer(self, call: SignedCall, target: str) -> object:
        if target.endswith("/install/status"):
            self.was_watched.set()
        if not target.endswith("/reinstall"):
            return super().answer(call, target)
        self.posts += 1
        if self.victim and self.dies_before_it_is_accepted:
            self.victim.kill()
            raise ConnectionDropped
        answer = super().answer(call, target)
        if self.victim:
            self.victim.kill()
        return answer


@dataclass
class Scene:
    """A pretend provider, an image at a URL, and the user who deploys it."""

    simulator: CountingSimulator
    order: tuple[str, ...]
    state: Path
    verb: str = "deploy"
    more_environment: Mapping[str, str] = field(default_factory=dict)

    def begin(self, *arguments: str, dying: tuple[str, int] = ("never", 0)) -> subprocess.Popen[str]:
        """Start `deploy` with these arguments, or with the order, in a process that dies where it is told to."""
        return begin([self.verb, "--server", NAME, *(arguments or self.order)], self.environment, dying)

    def deploy(self, *arguments: str, dying: tuple[str, int] = ("never", 0), is_victim: bool = False) -> Finished:
        """Run it to its end; the simulator kills a victim when it sends its request."""
        process = self.begin(*arguments, dying=dying)
        self.simulator.victim = process if is_victim else None
        output, errors = process.communicate(timeout=120)
        return Finished(process.returncode, output, errors)

    @property
    def environment(self) -> dict[str, str]:
        return {**api_environment(self.simulator), "XDG_STATE_HOME": str(self.state), **self.more_environment}


def scene_of(directory: Path, image: tuple[str, ...], faults: Faults | None = None) -> Scene:
    return Scene(CountingSimulator(small_server(faults=faults), directory / "servers"), image, directory / "state")


def wait_until_it_installs(process: subprocess.Popen[str]) -> None:
    """Read what `deploy` says until a step is being done; there must be one."""
    assert process.stderr is not None
    assert any("doing" in line for line in process.stderr)
