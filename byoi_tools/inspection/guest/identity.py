"""Reads: users, passwords, keys, and whatever a clone would share with its siblings."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.identity import Identity


def read_identity(context: GuestContext) -> Identity:
    """Return the facts of this domain; raises what the context's tree raises."""
    return Identity()
