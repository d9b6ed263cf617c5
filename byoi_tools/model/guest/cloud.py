"""cloud-init and its counterparts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudSetup:
    """cloud-init and its counterparts."""
