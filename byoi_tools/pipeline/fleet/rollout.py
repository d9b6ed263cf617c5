"""Installs a fleet: looks at every server before anything is sent, then canaries first, and some at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from byoi_tools.errors import ByoiError, DeploymentRefused, Interrupted, OutcomeUnknown, UsageError
from byoi_tools.model.deployment.fleet import Ending, FleetObserver, Pace, Standing
from byoi_tools.model.deployment.order import Reinstallation
from byoi_tools.model.observer import Observer
from byoi_tools.pipeline.deployments import Deployments, order_key
from byoi_tools.pipeline.fleet.rollout_receipt import RolloutReceipt
from byoi_tools.pipeline.fleet.telling import Gathering, LookCount, MemberObserver
from byoi_tools.pipeline.installing import conclude, install, resume
from byoi_tools.pipeline.proving import HostKeys, ProofWish, note_host_keys, prove_installed, refuse_unproven
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import OvhApi

_Found = TypeVar("_Found")
_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")
_CANARY = "a canary was not installed"
_ENOUGH = "too many have failed"
_INTERRUPTED = "interrupted"
_COME_BACK = "Run the same command again."


@dataclass(frozen=True, slots=True)
class FleetOutside:
    """The doors that a rollout uses, and whom it tells.

    `deployments_of` opens a server's own receipt, and raises `ReceiptHeld` while another run has it. `stop_asking` ends
    every wait for the API's turn with `KeyboardInterrupt`; `clock` does the same to every sleep. `proofs` are how the
    user wants it proven of each server that a new system runs; the others are not proven.
    """

    api: OvhApi
    clock: Clock
    receipt: RolloutReceipt
    deployments_of: Callable[[str], AbstractContextManager[Deployments]]
    observer: FleetObserver
    stop_asking: Callable[[], None]
    proofs: Mapping[str, ProofWish] = field(default_factory=dict)


class _NotPermitted(Exception):
    """Nothing more is started."""


def find_done(outside: FleetOutside, orders: Mapping[str, str]) -> frozenset[str]:
    """Return the servers that are installed for their order, and have not been asked for another one since."""
    claimed = [name for name, order in orders.items() if outside.receipt.done_order(name) == order]
    return frozenset(name for name in claimed if _was_last(outside, name, orders[name]))


def _was_last(outside: FleetOutside, server: str, order: str) -> bool:
    with outside.deployments_of(server) as deployments:
        return deployments.last_order in (order, None)


def set_aside(outside: FleetOutside, servers: Sequence[str]) -> FleetOutside:
    """The same, past the deployments that an earlier run left open, unknown or unproven: the user has looked."""
    aside = frozenset(server for server in servers if outside.receipt.has_gone_wrong(server))

    @contextmanager
    def deployments_of(server: str) -> Iterator[Deployments]:
        with outside.deployments_of(server) as deployments:
            if server in aside:
                deployments.set_aside()
            yield deployments

    return replace(outside, deployments_of=deployments_of)


def has_begun(outside: FleetOutside, reinstallation: Reinstallation) -> bool:
    """Whether an earlier run has begun this already; raises what `resume` raises."""
    with outside.deployments_of(reinstallation.order.server) as deployments:
        return resume(outside.api, reinstallation, deployments, outside.clock, Observer()) is not None


def look_at_all(
    outside: FleetOutside, servers: Sequence[str], parallel: int, look: Callable[[str, Observer], _Found]
) -> dict[str, _Found | OutcomeUnknown]:
    """Look at every server; return what was found, in their order.

    Raises one `DeploymentRefused` with everything that speaks against any of them; other errors (the API is ill, keys
    are missing) at once. What is only worth knowing is told once, with the servers that it is about.
    """
    gathering, count = Gathering(), LookCount(outside.observer, len(servers))

    def look_at(server: str) -> _Found | ByoiError:
        try:
            return look(server, gathering.observer_of(server))
        except (DeploymentRefused, UsageError, OutcomeUnknown) as error:
            return error
        finally:
            count.one_more()

    found = dict(zip(servers, _in_parallel(outside, servers, parallel, look_at), strict=True))
    gathering.tell(outside.observer)
    refused = {
        server: error
        for server, error in found.items()
        if isinstance(error, ByoiError) and not isinstance(error, OutcomeUnknown)
    }
    _refuse(refused, len(servers))
    return {
        name: each
        for name, each in found.items()
        if not isinstance(each, ByoiError) or isinstance(each, OutcomeUnknown)
    }


def _refuse(refused: Mapping[str, ByoiError], count: int) -> None:
    if not refused:
        return
    alike: dict[tuple[str, str], list[str]] = {}
    for server, error in refused.items():
        alike.setdefault((error.message, error.details or ""), []).append(server)
    lines = [
        f"{', '.join(servers)}: {message}" + (f" ({'; '.join(details.splitlines())})" if details else "")
        for (message, details), servers in alike.items()
    ]
    raise DeploymentRefused(
        f"nothing was sent to any server: {len(refused)} of {count} cannot be installed so",
        details="\n".join(lines),
        remedy="\n".join(dict.fromkeys(error.remedy for error in refused.values())),
    )


def roll_out(
    outside: FleetOutside,
    reinstallations: Sequence[Reinstallation],
    pace: Pace,
    known: Mapping[str, Ending],
    begun: frozenset[str] = frozenset(),
) -> tuple[Ending, ...]:
    """Install every server whose end is not `known` yet; return the endings of all, in their order.

    Canaries are the first ones of the list; what an earlier run has `begun` is followed with them. One of them that is
    not installed keeps all others from being started. Nobody is asked: the user has agreed. Raises `KeyboardInterrupt`
    never: an interruption detaches from all, which are so told.
    """
    outside.observer.rollout_begun()
    return _Rollout(outside, pace, dict(known)).run(reinstallations, begun)


class _Rollout:
    def __init__(self, outside: FleetOutside, pace: Pace, endings: dict[str, Ending]) -> None:
        self.outside = outside
        self.pace = pace
        self.endings = endings
        self.failures = sum(ending.standing.is_bad for ending in endings.values())
        self.is_stopped = False
        self.lock = threading.Lock()

    def run(self, reinstallations: Sequence[Reinstallation], begun: frozenset[str]) -> tuple[Ending, ...]:
        canaries = [each.order.server for each in reinstallations[: self.pace.canaries]]
        first = [each for each in reinstallations if each.order.server in {*canaries, *begun}]
        self._run_some(first)
        if all(self.endings[server].standing.is_good for server in canaries):
            self._run_some(reinstallations)
        else:
            self._leave(reinstallations, _INTERRUPTED if self.is_stopped else _CANARY)
        return tuple(self.endings[each.order.server] for each in reinstallations)

    def _leave(self, reinstallations: Sequence[Reinstallation], why: str) -> None:
        for each in reinstallations:
            if each.order.server not in self.endings:
                self._leave_one(each.order.server, why)

    def _leave_one(self, server: str, why: str) -> None:
        error = Interrupted(f"{server} was not begun", remedy=_COME_BACK) if why == _INTERRUPTED else None
        self._end(Ending(server, Standing.NOT_STARTED, why, error))

    def _run_some(self, reinstallations: Sequence[Reinstallation]) -> None:
        waiting = [each for each in reinstallations if each.order.server not in self.endings]
        try:
            _in_parallel(self.outside, waiting, self.pace.parallel, self._install)
        except KeyboardInterrupt:
            self.is_stopped = True
            self._leave(waiting, _INTERRUPTED)

    def _install(self, reinstallation: Reinstallation) -> None:
        server, order = reinstallation.order.server, order_key(reinstallation)
        try:
            note = self._install_one(reinstallation, order)
            self._end(Ending(server, Standing.DONE, note))
        except _NotPermitted as reason:
            self._leave_one(server, str(reason))
        except Interrupted as detached:
            self._end(Ending(server, Standing.DETACHED, detached.message, detached))
        except ByoiError as error:
            self.outside.receipt.record_failure(server, order, error)
            standing = Standing.UNKNOWN if isinstance(error, OutcomeUnknown) else Standing.FAILED
            self._end(Ending(server, standing, error.message, error))
        except KeyboardInterrupt:
            self._leave_one(server, _INTERRUPTED)

    def _install_one(self, reinstallation: Reinstallation, order: str) -> str:
        """Install and prove it, and write that it is done: first for the rollout, so that no later run begins it."""
        server, outside = reinstallation.order.server, self.outside
        told = MemberObserver(server, outside.observer)
        with outside.deployments_of(server) as deployments:
            wish = outside.proofs.get(server)

            def permit() -> HostKeys | None:
                self._permit()
                return note_host_keys(outside.api, server, wish, told)

            result = install(outside.api, reinstallation, deployments, outside.clock, told, permit)
            if wish is not None:
                wishes = reinstallation.order.customizations
                refuse_unproven(
                    server,
                    prove_installed(outside.api, server, wishes, wish, deployments, outside.clock, told),
                )
            outside.receipt.record_done(server, order)
            conclude(deployments, result.task, "done")
        return f"{result.task.title}, {result.elapsed_seconds:.0f} s"

    def _permit(self) -> None:
        with self.lock:
            if self.is_stopped:
                raise _NotPermitted(_INTERRUPTED)
            if self.failures >= self.pace.most_failures:
                raise _NotPermitted(_ENOUGH)

    def _end(self, ending: Ending) -> None:
        with self.lock:
            self.endings[ending.server] = ending
            self.failures += ending.standing.is_bad
        self.outside.observer.server_moved(ending.server, ending.standing, ending.note)


def _in_parallel(
    outside: FleetOutside, things: Sequence[_Thing], width: int, work: Callable[[_Thing], _Result]
) -> list[_Result]:
    """Do the work for each; on an error or an interruption what waits is dropped, and what runs comes to an end."""
    with ThreadPoolExecutor(max_workers=width, thread_name_prefix="server") as pool:
        futures = [pool.submit(work, thing) for thing in things]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            outside.stop_asking()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]
