"""The operating system: os-release, architecture, package manager."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The operating system: os-release, architecture, package manager."""
