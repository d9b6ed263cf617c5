"""Reads: the operating system: os-release, architecture, package manager."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.system import OperatingSystem


def read_system(context: GuestContext) -> OperatingSystem:
    """Return the facts of this domain; raises what the context's tree raises."""
    return OperatingSystem()
