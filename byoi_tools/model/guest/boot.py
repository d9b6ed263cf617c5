"""How the guest boots: loader configurations, entries, kernel command lines, the chain that leads to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BootSetup:
    """How the guest boots: loader configurations, entries, kernel command lines, the chain that leads to them."""
