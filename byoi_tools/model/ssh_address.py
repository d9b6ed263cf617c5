"""Where an SSH server listens."""

from __future__ import annotations

import re

from byoi_tools.model.dataclass import dataclass

SSH_PORT = 22

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/@]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class SshAddress:
    """A name or an address, IPv6 without brackets, and a port."""

    host: str
    port: int = SSH_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> SshAddress:
        """Read HOST, HOST:PORT or [IPV6]:PORT; raises `ValueError`."""
        found = _ADDRESS.fullmatch(text)
        port = int(found["port"] or SSH_PORT) if found else 0
        if found is None or not 0 < port < 65536:
            raise ValueError(f"{text[:80]!r} is no HOST, HOST:PORT or [IPV6]:PORT")
        return cls(found["host"].strip("[]"), port)
