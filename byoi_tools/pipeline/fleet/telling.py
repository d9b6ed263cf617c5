"""Turns what is told of one server into what is told of a fleet."""

from __future__ import annotations

import threading

from byoi_tools.model.deployment.fleet import FleetObserver, Standing
from byoi_tools.model.deployment.server import InstallStep, StepStatus, Task
from byoi_tools.model.observer import Observer

_NAMED = 5


class MemberObserver(Observer):
    """Tells a fleet's observer how one server fares: the step at work, failed steps, and what is noted."""

    def __init__(self, server: str, fleet: FleetObserver) -> None:
        self._server = server
        self._fleet = fleet

    def task_changed(self, task: Task) -> None:
        """The task began or ended; its end is told as the server's."""
        if task.status.is_running:
            self._fleet.server_moved(self._server, Standing.INSTALLING, f"{task.title}: {task.status.value}")

    def step_changed(self, step: InstallStep) -> None:
        """A step is at work; those that are done are followed by the next."""
        if step.status is not StepStatus.DONE:
            self._fleet.server_moved(self._server, Standing.INSTALLING, step.comment)

    def noted(self, message: str) -> None:
        """What it is about at the moment."""
        self._fleet.server_moved(self._server, Standing.INSTALLING, message)

    def warned(self, message: str) -> None:
        """A warning with the server's name."""
        self._fleet.warned(f"{self._server}: {message}")


class Gathering:
    """Keeps what is told while the servers are looked at, to tell what is the same of many only once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[str, list[str]] = {}
        self._warnings: dict[str, list[str]] = {}

    def observer_of(self, server: str) -> Observer:
        """What the look at one server tells."""
        return _Gatherer(self, server)

    def keep(self, server: str, message: str, *, is_warning: bool) -> None:
        """Remember that this was told of the server."""
        with self._lock:
            (self._warnings if is_warning else self._notes).setdefault(message, []).append(server)

    def tell(self, observer: FleetObserver) -> None:
        """Tell everything, each thing once."""
        for message, servers in self._notes.items():
            observer.noted(f"{_name(servers)}: {message}")
        for message, servers in self._warnings.items():
            observer.warned(f"{_name(servers)}: {message}")


class LookCount:
    """Tells how many servers were looked at; many threads look."""

    def __init__(self, observer: FleetObserver, total: int) -> None:
        self._observer = observer
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        if total:
            observer.servers_looked_at(0, total)

    def one_more(self) -> None:
        """Another one was looked at, whatever was found."""
        with self._lock:
            self._done += 1
            self._observer.servers_looked_at(self._done, self._total)


class _Gatherer(Observer):
    def __init__(self, gathering: Gathering, server: str) -> None:
        self._gathering = gathering
        self._server = server

    def noted(self, message: str) -> None:
        self._gathering.keep(self._server, message, is_warning=False)

    def warned(self, message: str) -> None:
        self._gathering.keep(self._server, message, is_warning=True)


def _name(servers: list[str]) -> str:
    more = f" and {len(servers) - _NAMED} more" if len(servers) > _NAMED else ""
    return ", ".join(sorted(servers)[:_NAMED]) + more
