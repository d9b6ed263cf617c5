"""Reads: how the guest boots: loader configurations, entries, kernel command lines, the chain that leads to them."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.boot import BootSetup


def read_boot(context: GuestContext) -> BootSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    return BootSetup()
