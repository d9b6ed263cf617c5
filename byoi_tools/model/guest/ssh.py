"""The SSH server of a guest: whether it is started, where it listens, and whom it lets in."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class SshSettings:
    """What sshd's configuration says for everybody, `Match` blocks left out; its defaults where it says nothing.

    `permit_root_login` is `yes`, `no`, `prohibit-password` or `forced-commands-only`. `listen_addresses` are as
    written, empty for all. `allowed_users` and `allowed_groups` are empty for everybody. `places` tells the file and
    line of each keyword that was set, by its name in lower case.
    """

    ports: tuple[int, ...]
    listen_addresses: tuple[str, ...]
    permit_root_login: str
    has_passwords: bool
    has_public_keys: bool
    permits_empty_passwords: bool
    allowed_users: tuple[str, ...]
    allowed_groups: tuple[str, ...]
    places: tuple[tuple[str, str], ...]

    def place(self, keyword: str) -> str:
        """Where a keyword was set, or sshd's default."""
        return dict(self.places).get(keyword.lower(), f"default of {keyword}")


@dataclass(frozen=True, slots=True)
class SshServer:
    """An SSH server that is installed: its program, whether a boot starts it, and the words for it."""

    program: str
    is_enabled: bool
    state: str


@dataclass(frozen=True, slots=True)
class SshSetup:
    """All of it. `server` is None where none is installed, `settings` where it is not OpenSSH.

    `host_keys` are the paths of private host keys in the image; `key_maker` is the unit or script that makes keys at
    boot, empty where none was found (cloud-init's module is told by its own facts).
    """

    server: SshServer | None
    settings: SshSettings | None
    host_keys: tuple[str, ...]
    key_maker: str
