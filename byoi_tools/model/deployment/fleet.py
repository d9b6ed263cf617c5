"""Many servers that get one image: what each of them is wished, how fast they go, and how each of them stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from byoi_tools.errors import ByoiError
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import Customizations, InstallOrder


@dataclass(frozen=True, slots=True)
class Member:
    """One server of a fleet; what is None follows the image, the server, or the provider's default.

    `ssh_key_file` has the public key of the customizations, `ssh_address` is where the new system will answer.
    """

    name: str
    boot: BootMode | None = None
    loader_path: str | None = None
    customizations: Customizations = field(default_factory=Customizations)
    disk_group_id: int | None = None
    ssh_key_file: Path | None = None
    ssh_address: str | None = None


def order_of(member: Member, order: InstallOrder) -> InstallOrder:
    """What is ordered for a member where this is ordered for all."""
    return replace(
        order,
        server=member.name,
        loader_path=member.loader_path,
        customizations=member.customizations,
        disk_group_id=member.disk_group_id,
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How a fleet is installed: the first `canaries` before all others, `parallel` at a time.

    Nothing more is started once `most_failures` have failed, or ended in a way that nobody knows.
    """

    canaries: int = 0
    parallel: int = 5
    most_failures: int = 1


class Standing(Enum):
    """How a server of a fleet stands."""

    WAITING = "waiting"
    INSTALLING = "installing"
    DONE = "done"
    SKIPPED = "done before"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_STARTED = "not started"
    DETACHED = "goes on"

    @property
    def is_good(self) -> bool:
        """Whether the server is installed as ordered."""
        return self in (Standing.DONE, Standing.SKIPPED)

    @property
    def is_bad(self) -> bool:
        """Whether it counts as a failure."""
        return self in (Standing.FAILED, Standing.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a server of a fleet stands when the rollout is over; `error` says why where it is not installed."""

    server: str
    standing: Standing
    note: str = ""
    error: ByoiError | None = None


@dataclass(frozen=True, slots=True)
class FleetWork:
    """What a rollout is about to do, by the names of its servers, in their order.

    `erased` will be erased and installed, `begun` were begun by an earlier run and are followed, `done` are installed
    as ordered, and of `unknown` nobody knows what became of an earlier request.
    """

    erased: tuple[str, ...]
    begun: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many servers there are in all."""
        return sum(map(len, (self.erased, self.begun, self.done, self.unknown)))


class FleetObserver:
    """Receives how a fleet fares, from any thread; does nothing until somebody cares."""

    def servers_looked_at(self, done: int, total: int) -> None:
        """So many of them were looked at, before anything is sent; 0 when that begins, all when it ends."""

    def rollout_begun(self) -> None:
        """All are looked at, and the user has agreed: from now on servers are installed."""

    def server_moved(self, server: str, standing: Standing, note: str) -> None:
        """A server stands otherwise than before; `note` says more, and may be the provider's own words."""

    def noted(self, message: str) -> None:
        """Something worth a line."""

    def warned(self, message: str) -> None:
        """Something that the user should know before it hurts."""
