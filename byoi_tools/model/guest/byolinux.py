"""What Bring Your Own Linux's script needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ByolinuxSetup:
    """What Bring Your Own Linux's script needs."""
