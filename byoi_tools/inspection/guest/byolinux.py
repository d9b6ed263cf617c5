"""Reads: what Bring Your Own Linux's script needs."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.byolinux import ByolinuxSetup


def read_byolinux(context: GuestContext) -> ByolinuxSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    return ByolinuxSetup()
