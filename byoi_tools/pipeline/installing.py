"""Starts an installation once, comes back to one that another run started, and watches it to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from byoi_tools.deployment.old_api.start import start_deployment
from byoi_tools.deployment.old_api.watch import watch_deployment
from byoi_tools.deployment.reinstall.start import find_accepted, start_reinstallation
from byoi_tools.deployment.reinstall.watch import watch_installation
from byoi_tools.deployment.status import read_status_patiently
from byoi_tools.deployment.tasks import is_passing, read_task
from byoi_tools.errors import DeploymentFailed, DeploymentRefused, Interrupted, OutcomeUnknown, UsageError
from byoi_tools.model.deployment.old_deployment import SoughtImage
from byoi_tools.model.deployment.order import InstallApi, Reinstallation
from byoi_tools.model.deployment.server import (
    OLD_API_FUNCTION,
    REINSTALL_FUNCTION,
    InstallResult,
    Server,
    Task,
    TaskStatus,
)
from byoi_tools.model.observer import Observer
from byoi_tools.pipeline.deployments import Deployments, order_key
from byoi_tools.pipeline.old_api import recover_deployment
from byoi_tools.pipeline.proving import HostKeys
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi


@dataclass(frozen=True, slots=True)
class Earlier:
    """A deployment whose end no run has seen; `is_listed` is False once the provider has purged its task.

    A task that cannot be read for the moment counts as one that runs.
    """

    order: str
    task: Task
    is_listed: bool

    @property
    def is_running(self) -> bool:
        """Whether the provider still works on it."""
        return self.is_listed and self.task.status.is_running


def recover(api: OvhApi, server: str, deployments: Deployments, clock: Clock, observer: Observer) -> Earlier | None:
    """Return the deployment that an earlier run left behind, found by its task; None when there is none.

    Raises `OutcomeUnknown` when a request may have been sent, and its task is not to be found.
    """
    unfinished = deployments.unfinished
    if unfinished is None:
        return None
    if unfinished.task_id is not None and unfinished.is_installed:
        function = OLD_API_FUNCTION if unfinished.sought else REINSTALL_FUNCTION
        return Earlier(unfinished.order, Task(unfinished.task_id, function, TaskStatus.DONE, ""), is_listed=True)
    trouble = f"an earlier run was about to send its request at {unfinished.began}, and did not hear the answer"
    if unfinished.sought is not None:
        unheard = trouble if unfinished.task_id is None else None
        found = recover_deployment(api, server, unfinished.sought, unheard, deployments, clock, observer)
        return Earlier(unfinished.order, *found)
    if unfinished.task_id is None:
        task = find_accepted(api, server, unfinished.earlier, trouble, clock, observer)
        deployments.accept(task.task_id)
        return Earlier(unfinished.order, task, is_listed=True)
    try:
        return Earlier(unfinished.order, read_task(api, server, unfinished.task_id), is_listed=True)
    except (ApiErrorAnswer, NoApiAnswer) as trouble:
        if not is_passing(trouble):
            raise
        unseen = Task(unfinished.task_id, REINSTALL_FUNCTION, TaskStatus.INIT, "")
        is_gone = isinstance(trouble, ApiErrorAnswer) and trouble.status == 404
        return Earlier(unfinished.order, unseen, is_listed=not is_gone)


def without(server: Server, earlier: Earlier | None) -> Server:
    """The server as it is for whoever goes on with that deployment: its own task does not make it busy."""
    if earlier is None:
        return server
    others = tuple(task for task in server.running_tasks if task.task_id != earlier.task.task_id)
    return replace(server, running_tasks=others)


def resume(
    api: OvhApi, reinstallation: Reinstallation, deployments: Deployments, clock: Clock, observer: Observer
) -> Task | None:
    """Return the task of an earlier run with the same order; None when a request may be sent.

    Raises `DeploymentRefused` while the earlier one is for another order and still runs, and what `recover` does.
    """
    server = reinstallation.order.server
    earlier = recover(api, server, deployments, clock, observer)
    if earlier is None:
        return None
    if earlier.order == order_key(reinstallation):
        observer.noted(f"an earlier run has started this already: following {earlier.task.title}")
        return earlier.task
    if earlier.is_running:
        verb = "delete" if earlier.task.is_of_old_api else "cancel"
        raise DeploymentRefused(
            f"{server} is being installed with another order",
            details=f"{earlier.task.title} is {earlier.task.status.value}",
            remedy=f"Follow it with `byoi-tools deploy --attach --server {server}`, or end it with `byoi-tools {verb} "
            f"{server}`.",
        )
    deployments.end(earlier.task.status.value if earlier.is_listed else "its task is no longer listed")
    return None


def start(
    api: OvhApi,
    reinstallation: Reinstallation,
    deployments: Deployments,
    clock: Clock,
    observer: Observer,
    host_keys: HostKeys | None = None,
) -> Task:
    """Send the one destructive request, with its intent written before it and its task after it.

    `host_keys` are those that answer now, for the proof.

    An interruption after the intent leaves the outcome unknown, and is said to.
    """
    server, before = reinstallation.order.server, host_keys.fingerprints if host_keys else None

    def intend(earlier: frozenset[int] | SoughtImage) -> None:
        deployments.intend(reinstallation, earlier, before)

    is_old = reinstallation.order.api is InstallApi.BRING_YOUR_OWN_IMAGE
    try:
        begin = start_deployment if is_old else start_reinstallation
        task = begin(api, reinstallation, clock, observer, intend)
    except (DeploymentRefused, UsageError) as refusal:
        deployments.end(f"not accepted: {refusal.message}")
        raise
    except KeyboardInterrupt as interruption:
        if deployments.unfinished is None:
            raise
        raise OutcomeUnknown(
            f"interrupted while {server} was asked to reinstall: it may be erased now",
            remedy=f"Look whether an installation runs: byoi-tools status {server}",
        ) from interruption
    deployments.accept(task.task_id)
    return task


def install(
    api: OvhApi,
    reinstallation: Reinstallation,
    deployments: Deployments,
    clock: Clock,
    observer: Observer,
    permit: Callable[[], HostKeys | None],
) -> InstallResult:
    """Go on with an earlier run's installation, or start one once `permit` has returned; watch it to its end.

    `permit` is called only when a request would be sent, and raises to forbid it; it returns who answers now, for the
    proof. Whoever has told the result calls `conclude`.
    """
    task = resume(api, reinstallation, deployments, clock, observer)
    if task is None:
        before = permit()
        task = start(api, reinstallation, deployments, clock, observer, before)
    return watch(api, reinstallation.order.server, task, deployments, clock, observer)


def watch(
    api: OvhApi, server: str, task: Task, deployments: Deployments | None, clock: Clock, observer: Observer
) -> InstallResult:
    """Watch to the end; an interruption stops the watching alone, and is said to.

    A failure is written down; that it is done, `conclude` writes once the user was told.
    """
    unfinished = deployments.unfinished if deployments else None
    if unfinished and unfinished.is_installed and unfinished.task_id == task.task_id:
        return InstallResult(server, task, (), 0.0)
    try:
        watch_one = watch_deployment if task.is_of_old_api else watch_installation
        result = watch_one(api, server, task, clock, observer)
        if deployments and unfinished and unfinished.task_id == task.task_id:
            deployments.note_installed()
        return result
    except DeploymentFailed as failure:
        conclude(deployments, task, f"failed: {failure.message}")
        raise
    except KeyboardInterrupt as interruption:
        raise Interrupted(
            f"no longer watching; the installation of {server} goes on ({task.title})",
            remedy=f"Come back to it: byoi-tools status {server} --watch",
        ) from interruption


def conclude(deployments: Deployments | None, task: Task, how: str) -> None:
    """Write the end of the deployment that this task is of; a task of somebody else's ends nothing here.

    `deployments` is None while another run holds the receipt.
    """
    unfinished = deployments.unfinished if deployments else None
    if deployments and unfinished and unfinished.task_id == task.task_id:
        deployments.end(how)


def follow(
    api: OvhApi, server: str, deployments: Deployments | None, clock: Clock, observer: Observer
) -> InstallResult | None:
    """Watch what runs on the server, or the end of what an earlier run began; None when there is neither."""
    task = read_status_patiently(api, server, clock).watched_task
    unfinished = deployments.unfinished if deployments else None
    if deployments and unfinished and (task is None or unfinished.task_id is None):
        earlier = recover(api, server, deployments, clock, observer)
        task = task or (earlier.task if earlier else None)
    return watch(api, server, task, deployments, clock, observer) if task else None
