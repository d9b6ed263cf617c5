"""Users, passwords, keys, and whatever a clone would share with its siblings."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass

_FIRST_PERSON, _LAST_PERSON = 1000, 59_999  # login.defs: UID_MIN, UID_MAX
_NO_SHELLS = ("nologin", "false", "sync", "shutdown", "halt", "git-shell")


class PasswordState(Enum):
    """What shadow holds for an account; the hash itself is never kept."""

    LOCKED = "locked"
    EMPTY = "empty"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Account:
    """A line of passwd with the state of its password."""

    name: str
    user_id: int
    home: str
    shell: str
    password: PasswordState

    @property
    def can_log_in(self) -> bool:
        """Whether the account has a shell that lets somebody in; an empty one means /bin/sh."""
        return self.shell.rpartition("/")[2] not in _NO_SHELLS

    @property
    def is_person(self) -> bool:
        """Whether the user id is one that people get, not root or a service."""
        return _FIRST_PERSON <= self.user_id <= _LAST_PERSON


@dataclass(frozen=True, slots=True)
class SudoGrant:
    """A rule of sudo that asks for no password: `who` it is for (`packer`, `%wheel`, `ALL`) and where it stands.

    `members` are the accounts that it reaches: of a group its members, of `ALL` nobody by name.
    """

    who: str
    members: tuple[str, ...]
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class AuthorizedKeys:
    """A file with public keys that may log in."""

    path: str
    key_count: int


class SecretKind(Enum):
    """What kind of secret a file holds."""

    PRIVATE_KEY = "private key"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that holds a secret by its name and its first bytes; what it holds is never kept."""

    path: str
    kind: SecretKind


class MachineId(Enum):
    """What `/etc/machine-id` says; the id itself is not kept, it is confidential."""

    ABSENT = "absent"
    EMPTY = "empty"
    UNINITIALIZED = "uninitialized"
    SET = "set"


class LeftoverKind(Enum):
    """Why a file should not be in an image that many servers get."""

    HISTORY = "shell history"
    LOG = "log"
    JOURNAL = "journal"
    DHCP = "DHCP lease or identifier"
    RANDOM_SEED = "random seed"
    HOST_KEY = "key of the host"
    HOST_ID = "host identifier"
    PACKAGE = "cached package"
    SUBSCRIPTION = "subscription"
    INSTALLER = "installer's file"
    TEMPORARY = "temporary file"
    SWAP = "swap file"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file of the machine that the image was built on; `path` in the ESP begins with `ESP:`."""

    kind: LeftoverKind
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class GuestAgent:
    """The agent of a hypervisor or another cloud; `is_conditional` when its unit starts on that platform alone."""

    name: str
    path: str
    is_conditional: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything that identifies the machine, lets somebody in, or was left behind.

    `ssh_host_keys` are the paths of private host keys. `dbus_machine_id` is what D-Bus's own file says where it is
    a file of its own, and ABSENT where there is none or a link.
    """

    accounts: tuple[Account, ...]
    passwordless_sudo: tuple[SudoGrant, ...]
    authorized_keys: tuple[AuthorizedKeys, ...]
    secrets: tuple[SecretFile, ...]
    ssh_host_keys: tuple[str, ...]
    machine_id: MachineId
    dbus_machine_id: MachineId
    leftovers: tuple[Leftover, ...]
    guest_agents: tuple[GuestAgent, ...]

    def left(self, *kinds: LeftoverKind) -> tuple[Leftover, ...]:
        """The leftovers of these kinds, in their order."""
        return tuple(leftover for leftover in self.leftovers if leftover.kind in kinds)
