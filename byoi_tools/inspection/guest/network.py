"""Reads: how the guest configures its network."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.network import NetworkSetup


def read_network(context: GuestContext) -> NetworkSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    return NetworkSetup()
