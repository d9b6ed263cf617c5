"""Starts and watches an installation, and says what it means when the user stops in the middle of it."""

from __future__ import annotations

from byoi_tools.deployment.install import start_reinstallation
from byoi_tools.deployment.watch import watch_installation
from byoi_tools.errors import Interrupted, OutcomeUnknown
from byoi_tools.model.deployment import Reinstallation
from byoi_tools.model.observer import Observer
from byoi_tools.model.server import InstallResult, Task
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh_api import OvhApi


def start(api: OvhApi, reinstallation: Reinstallation, clock: Clock, observer: Observer) -> Task:
    """Send the one destructive request; an interruption leaves its outcome unknown, and is said to."""
    server = reinstallation.order.server
    try:
        return start_reinstallation(api, reinstallation, clock, observer)
    except KeyboardInterrupt as interruption:
        raise OutcomeUnknown(
            f"interrupted while {server} was asked to reinstall: it may be erased now",
            remedy=f"Look whether an installation runs: byoi-tools status {server}",
        ) from interruption


def watch(api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer) -> InstallResult:
    """Watch to the end; an interruption stops the watching alone, and is said to."""
    try:
        return watch_installation(api, server, task, clock, observer)
    except KeyboardInterrupt as interruption:
        raise Interrupted(
            f"no longer watching; the installation of {server} goes on (task {task.task_id})",
            remedy=f"Come back to it: byoi-tools status {server} --watch",
        ) from interruption
