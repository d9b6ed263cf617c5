"""Reads: cloud-init and its counterparts."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.guest.cloud import CloudSetup


def read_cloud(context: GuestContext) -> CloudSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    return CloudSetup()
