"""Proves what was installed: notes who answers before, sends the marker, asks afterwards, and writes it all down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from byoi_tools.deployment.facts import read_address
from byoi_tools.errors import DeploymentFailed, Interrupted, UsageError
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.observer import Observer
from byoi_tools.model.proof import MARKER_KEY, Proof, ProofOrder, Prove, Verdict
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.pipeline.deployments import Deployments
from byoi_tools.proof.attempts import USERS
from byoi_tools.proof.marker import new_marker
from byoi_tools.proof.prove import prove
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import OvhApi
from byoi_tools.tools.ssh import load_key, read_host_keys


@dataclass(frozen=True, slots=True)
class ProofWish:
    """How a user wants it proven; `address` None is the server's own, at port 22.

    `private_key` is the file for the login, which `Prove.SSH` needs. `users` are tried instead of the usual ones.
    """

    method: Prove
    timeout_seconds: float
    address: SshAddress | None = None
    private_key: Path | None = None
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The fingerprints of whoever answers at an address."""

    fingerprints: tuple[str, ...]


def with_marker(customizations: Customizations, wish: ProofWish | None) -> Customizations:
    """Return what the config drive will hold: with a new marker, when a login is to find it.

    Raises `UsageError` when the user's metadata have its name.
    """
    if any(name == MARKER_KEY for name, _ in customizations.metadata):
        raise UsageError(f"the metadata {MARKER_KEY} are this program's own", remedy="Choose another name.")
    if wish is None or wish.method is not Prove.SSH:
        return customizations
    return replace(customizations, metadata=(*customizations.metadata, (MARKER_KEY, new_marker())))


def with_addresses(proofs: Mapping[str, ProofWish], servers: Iterable[Server]) -> dict[str, ProofWish]:
    """The wishes by the servers' names, with the addresses that the API has told, which are not asked for again."""
    told = {server.name: SshAddress(server.address) for server in servers if server.address}
    return {name: replace(wish, address=wish.address or told.get(name)) for name, wish in proofs.items()}


def note_host_keys(api: OvhApi, server: str, wish: ProofWish | None, observer: Observer) -> HostKeys | None:
    """Look who answers before the installation, None without a proof: the new system has to be another."""
    if wish is None:
        return None
    address = _address_of(api, server, wish)
    observer.noted(f"looking who answers at {address} before the installation")
    return HostKeys(read_host_keys(address))


def prove_installed(
    api: OvhApi,
    server: str,
    customizations: Customizations,
    wish: ProofWish,
    deployments: Deployments | None,
    clock: Clock,
    observer: Observer,
    users: tuple[str, ...] = (),
) -> Proof:
    """Prove that the system which an installation has left runs, and write the outcome into the receipt.

    `deployments` tell which marker was sent and who answered before, whoever sent it. `users` are those of the image;
    an interruption leaves all as it is, and is said to.
    """
    sent = deployments.unfinished if deployments else None
    order = ProofOrder(
        method=wish.method,
        address=_address_of(api, server, wish),
        timeout_seconds=wish.timeout_seconds,
        customizations=customizations,
        marker=sent.marker if sent else None,
        host_keys_before=sent.host_keys if sent else None,
        users=wish.users or (*users, *USERS),
    )
    key = load_key(wish.private_key) if wish.private_key and wish.method is Prove.SSH else None
    try:
        observer.noted(
            f"waiting for the new system at {order.address}, {wish.timeout_seconds / 60:.0f} minutes at most"
        )
        proof = prove(order, key, clock, observer)
    except KeyboardInterrupt as interruption:
        raise Interrupted(
            f"{server} is installed; that the new system answers is not proven",
            remedy="Run the same command again: it goes on with the proof, and sends no second request.",
        ) from interruption
    if deployments is not None:
        deployments.note_proof(proof)
    return proof


def refuse_unproven(server: str, proof: Proof) -> None:
    """Raise `DeploymentFailed` unless it is proven."""
    if proof.verdict is Verdict.PROVEN:
        return
    seen = "the system that answers is not the one that was sent" if proof.verdict is Verdict.FAILED else None
    raise DeploymentFailed(
        f"{server} is installed, but {seen or 'nothing proves that the new system runs'}",
        details=proof.reason,
        remedy=f"Look at its screen (`byoi-tools console {server}`) or its disks (`byoi-tools rescue {server}`). The "
        "same command proves it again; with --again it installs it again.",
    )


def _address_of(api: OvhApi, server: str, wish: ProofWish) -> SshAddress:
    return wish.address or SshAddress(read_address(api, server))
