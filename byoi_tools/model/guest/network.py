"""How the guest configures its network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NetworkSetup:
    """How the guest configures its network."""
