"""A proof that the system which answers is the one that was ordered, and what that system said of itself."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Fact
from byoi_tools.model.ssh_address import SshAddress

MARKER_KEY = "byoi-run"


class Prove(Enum):
    """How it is shown that the new system answers: by a login, by its host key alone, or not at all."""

    SSH = "ssh"
    PORT = "port"
    NONE = "none"


class Verdict(Enum):
    """What the proof found."""

    PROVEN = "proven"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GuestState:
    """What the running system says of itself; every text comes out of the image.

    Sizes are in bytes. `cloud_init` is the text of `cloud-init status --long`. `is_host_key_on_console` tells whether
    the key that SSH showed is one that the system printed on its own console, where that can be seen.
    """

    user: str
    hostname: str
    boot_id: str
    kernel: str
    cloud_init: Fact[str]
    has_user_data: Fact[bool]
    root_device: str
    root_uuid: str
    root_size_bytes: Fact[int]
    is_root_grown: Fact[bool]
    failed_units: Fact[tuple[str, ...]]
    missing_firmware: Fact[tuple[str, ...]]
    host_key: str
    is_host_key_on_console: Fact[bool]


@dataclass(frozen=True, slots=True)
class ProofOrder:
    """Who is expected to answer where.

    `marker` is what the config drive carries, None when nobody sent one. `host_keys_before` are the fingerprints that
    answered there before the installation, empty when nobody did, None when nobody looked. `users` are tried in turn.
    """

    method: Prove
    address: SshAddress
    timeout_seconds: float
    customizations: Customizations
    marker: str | None
    host_keys_before: tuple[str, ...] | None
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of it after so many seconds; `reason` says why, in a line.

    `guest` is there once the system was asked. `host_key` is that of the last answer, empty without one.
    """

    order: ProofOrder
    verdict: Verdict
    reason: str
    seconds: float
    host_key: str
    guest: Fact[GuestState]
