"""What the verbs that deploy have in common where there are many servers: which ones, the doors to them, the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.flag_groups import ConfigDriveFlags, ProofFlags
from byoi_tools.cli.fleet_table import FleetTable
from byoi_tools.cli.old_api import loader_for
from byoi_tools.cli.order import read_customizations
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.wiring import connect_fleet_api, open_rollout_receipt, open_server_receipt, system_clock
from byoi_tools.errors import ByoiError, DeploymentFailed, Interrupted, OutcomeUnknown, UsageError
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.fleet import Ending, Member, Standing, order_of
from byoi_tools.model.deployment.order import Customizations, InstallOrder

if TYPE_CHECKING:
    from byoi_tools.deployment.fleet_file import FleetEntry
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.fleet.rollout import FleetOutside
    from byoi_tools.pipeline.proving import ProofWish

_GO_ON = "Run the same command again: it goes on with the servers that are not done."
_NAMED = 20


@dataclass(frozen=True, slots=True)
class FleetFlags:
    """What the flags say of all servers; what the file says of one wins."""

    drive: ConfigDriveFlags
    boot: BootMode | None
    loader_path: str | None
    disk_group: int | None


def only_server(names: Sequence[str] | None, servers: Path | None) -> str | None:
    """Return the server that is meant alone; None for a fleet. Raises `UsageError` when none or both ways are given."""
    if names and servers:
        raise UsageError("--server and --servers are both given", remedy="Name the servers in one way.")
    if not names and servers is None:
        raise UsageError("no server is named", remedy="Give --server NAME, or --servers FILE for many.")
    return names[0] if names and len(names) == 1 else None


def read_members(names: Sequence[str] | None, servers: Path | None, flags: FleetFlags) -> tuple[Member, ...]:
    """Return the servers of the file, or of the names; their user data is filled in. Raises `UsageError`."""
    from byoi_tools.deployment.fleet_file import FleetEntry, read_fleet_file

    if flags.drive.hostname is not None:
        raise UsageError("one --hostname for many servers", remedy="Write a hostname for each into --servers FILE.")
    if servers is not None:
        entries = read_fleet_file(servers)
    else:
        given = names or ()
        if len(set(given)) != len(given):
            raise UsageError("a server is named twice", remedy="Name each --server once.")
        entries = tuple(FleetEntry(name, values={"name": name}) for name in given)
    return tuple(_read_member(entry, flags) for entry in entries)


def _read_member(entry: FleetEntry, flags: FleetFlags) -> Member:
    from byoi_tools.deployment.user_data_template import fill

    user_data, ssh_key = entry.user_data or flags.drive.user_data, entry.ssh_key or flags.drive.ssh_key
    read = read_customizations(entry.hostname, ssh_key, user_data, flags.drive.metadata)
    if read.user_data is not None and entry.is_template:
        filled = fill(read.user_data, entry.values or {}, entry.name, str(user_data))
        read = replace(read, user_data=filled)
    metadata = {**dict(read.metadata), **dict(entry.metadata or ())}
    return Member(
        name=entry.name,
        boot=entry.boot or flags.boot,
        loader_path=entry.loader_path or flags.loader_path,
        customizations=replace(read, metadata=tuple(metadata.items())),
        disk_group_id=flags.disk_group if entry.disk_group_id is None else entry.disk_group_id,
        ssh_key_file=ssh_key,
        ssh_address=entry.ssh_address,
    )


def choose_proofs(members: Sequence[Member], flags: ProofFlags) -> dict[str, ProofWish]:
    """Return how it is proven of each server; as `choose_proof`, whose notes are told once."""
    if flags.ssh_address is not None:
        raise UsageError("one --ssh-address for many servers", remedy="Write an ssh-address for each into the file.")
    chosen: dict[tuple[Path | None, str | None], ProofWish | None] = {}
    for member in members:
        kind = (member.ssh_key_file, member.ssh_address)
        if kind not in chosen:
            key, address = kind
            chosen[kind] = choose_proof(replace(flags, ssh_address=address), key)
    wishes = {member.name: chosen[member.ssh_key_file, member.ssh_address] for member in members}
    return {server: wish for server, wish in wishes.items() if wish is not None}


def order_for(member: Member, order: InstallOrder, proofs: Mapping[str, ProofWish]) -> InstallOrder:
    """What a member gets where this is ordered for all; raises `UsageError` for what the API does not take."""
    loader = loader_for(order.api, member.loader_path)
    wishes = order_wishes(member, proofs.get(member.name))
    return order_of(replace(member, loader_path=loader, customizations=wishes), order)


def order_wishes(member: Member, wish: ProofWish | None) -> Customizations:
    """What the member's config drive will hold, with the marker of the proof."""
    from byoi_tools.pipeline.proving import with_marker

    return with_marker(member.customizations, wish)


@contextmanager
def open_fleet(
    members: Sequence[Member], proofs: Mapping[str, ProofWish], servers: Path | None, receipt: Path | None
) -> Iterator[FleetOutside]:
    """The doors to all servers; the rollout's receipt is held meanwhile, each server's own while it is installed."""
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.fleet.detaching import DetachableClock
    from byoi_tools.pipeline.fleet.rollout import FleetOutside
    from byoi_tools.pipeline.fleet.rollout_receipt import RolloutReceipt

    api, close = connect_fleet_api()
    clock = DetachableClock(system_clock())

    @contextmanager
    def deployments_of(server: str) -> Iterator[Deployments]:
        with open_server_receipt(api, server, None) as own:
            yield Deployments(own, server, clock)

    def stop() -> None:
        close()
        clock.detach()

    names = [member.name for member in members]
    table = FleetTable(names)
    with open_rollout_receipt(api, servers, names, receipt) as opened:
        try:
            yield FleetOutside(api, clock, RolloutReceipt(opened, clock), deployments_of, table, stop, proofs)
        finally:
            table.close()


def show_endings(endings: Sequence[Ending]) -> None:
    """Write how all servers ended; raises the error that ends the program where not all are done.

    Unknown ends win over interruptions, and these over failures.
    """
    write_result(_render(endings))
    sys.stdout.flush()
    missing = [ending for ending in endings if not ending.standing.is_good]
    if not missing:
        return
    errors = [ending.error for ending in missing if ending.error]
    details = [f"{ending.server}: {_why(ending)}" for ending in missing[:_NAMED]]
    if len(missing) > _NAMED:
        details.append(f"and {len(missing) - _NAMED} more")
    remedies = [error.remedy for error in errors if not isinstance(error, Interrupted)]
    raise _kind_of(missing, errors)(
        f"{len(missing)} of {len(endings)} servers are not installed",
        details="\n".join(details),
        remedy="\n".join(dict.fromkeys([*remedies[:_NAMED], _GO_ON])),
    )


def _kind_of(missing: Sequence[Ending], errors: Sequence[ByoiError]) -> type[ByoiError]:
    if any(ending.standing is Standing.UNKNOWN for ending in missing):
        return OutcomeUnknown
    return Interrupted if any(isinstance(error, Interrupted) for error in errors) else DeploymentFailed


def _why(ending: Ending) -> str:
    if ending.error is None:
        return f"{ending.standing.value}, {ending.note}"
    return "; ".join([ending.error.message, *(ending.error.details or "").splitlines()])


def _render(endings: Sequence[Ending]) -> str:
    from byoi_tools.reports.rollout import render_rollout

    return render_rollout(endings, terminal_of(sys.stdout))
