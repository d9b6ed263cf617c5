"""The fstab, and what else names a device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mounts:
    """The fstab, and what else names a device."""
