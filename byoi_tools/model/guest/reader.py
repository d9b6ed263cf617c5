"""Who reads the file systems of a guest."""

from __future__ import annotations

from enum import Enum


class ReaderChoice(Enum):
    """`AUTO` takes the native readers where they can, and guestfs, where it is installed, for the rest."""

    AUTO = "auto"
    NATIVE = "native"
    GUESTFS = "guestfs"
