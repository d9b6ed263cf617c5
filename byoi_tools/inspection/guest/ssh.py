"""Reads: the SSH server."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.ssh import SshSetup


def read_ssh(context: GuestContext) -> SshSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    return SshSetup()
