"""The two ways in which the writing of a disk ends early."""

from __future__ import annotations


class InstallationError(Exception):
    """The customer's image or order is at fault; `str()` is the provider's message."""


class HaltedError(Exception):
    """Somebody wants it to stop: a cancelled installation, or a simulator that is being stopped."""
