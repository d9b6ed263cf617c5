"""The SSH server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SshSetup:
    """The SSH server."""
