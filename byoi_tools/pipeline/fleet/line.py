"""A fleet from the look at all its servers to the end of all: for an image at a URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from byoi_tools.errors import OutcomeUnknown
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.fleet import Ending, FleetWork, Pace, Standing
from byoi_tools.model.deployment.order import Reinstallation
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.observer import Observer
from byoi_tools.pipeline.deployments import order_key
from byoi_tools.pipeline.fleet.rollout import (
    FleetOutside,
    find_done,
    has_begun,
    look_at_all,
    roll_out,
    set_aside,
)
from byoi_tools.pipeline.matching import refuse_unfit
from byoi_tools.pipeline.proving import with_addresses

_AS_ORDERED = "installed by an earlier run"


def deploy_fleet(
    outside: FleetOutside,
    reinstallations: Sequence[Reinstallation],
    boots: Mapping[str, BootMode],
    pace: Pace,
    confirm: Callable[[FleetWork], None],
    *,
    is_again: bool = False,
) -> tuple[Ending, ...]:
    """Install an image at a URL on all servers; returns how each of them ended, in their order.

    `boots` has the boot modes that the user named. Servers that an earlier run has installed for the same order are
    left alone. All others are looked at before `confirm` is asked, and one `DeploymentRefused` tells all that speaks
    against any of them. Raises what `confirm` raises; nothing was sent then.
    """
    orders = {each.order.server: order_key(each) for each in reinstallations}
    done = find_done(outside, orders)
    if is_again:
        outside = set_aside(outside, [server for server in orders if server not in done])
    by_name = {each.order.server: each for each in reinstallations}

    def look(server: str, observer: Observer) -> Server | None:
        if has_begun(outside, by_name[server]):
            return None
        return refuse_unfit(outside.api, by_name[server], outside.clock.now(), observer, boots.get(server))

    found = look_at_all(outside, [server for server in orders if server not in done], pace.parallel, look)
    unknown = {server: each for server, each in found.items() if isinstance(each, OutcomeUnknown)}
    begun = frozenset(server for server, each in found.items() if each is None)
    seen = [each for each in found.values() if isinstance(each, Server)]
    outside = replace(outside, proofs=with_addresses(outside.proofs, seen))
    confirm(sort_out(tuple(orders), begun, done, frozenset(unknown)))
    known = {**endings_of_done(outside, done), **endings_of_unknown(outside, unknown, orders)}
    return roll_out(outside, reinstallations, pace, known, begun)


def sort_out(servers: Sequence[str], begun: frozenset[str], done: frozenset[str], unknown: frozenset[str]) -> FleetWork:
    """What happens to each server, for the confirmation."""
    return FleetWork(
        erased=tuple(server for server in servers if server not in begun | done | unknown),
        begun=tuple(server for server in servers if server in begun),
        done=tuple(server for server in servers if server in done),
        unknown=tuple(server for server in servers if server in unknown),
    )


def endings_of_done(outside: FleetOutside, done: frozenset[str]) -> dict[str, Ending]:
    """The endings of servers that are left alone; tells of them."""
    for server in sorted(done):
        outside.observer.server_moved(server, Standing.SKIPPED, _AS_ORDERED)
    return {server: Ending(server, Standing.SKIPPED, _AS_ORDERED) for server in done}


def endings_of_unknown(
    outside: FleetOutside, unknown: Mapping[str, OutcomeUnknown], orders: Mapping[str, str]
) -> dict[str, Ending]:
    """The endings of servers of which nobody knows what became of an earlier request; tells of them, and writes it."""
    for server, error in unknown.items():
        outside.receipt.record_failure(server, orders[server], error)
        outside.observer.server_moved(server, Standing.UNKNOWN, error.message)
    return {server: Ending(server, Standing.UNKNOWN, error.message, error) for server, error in unknown.items()}
