"""Users, passwords, keys, and whatever a clone would share with its siblings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """Users, passwords, keys, and whatever a clone would share with its siblings."""
