"""Looks for free space before the work starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from byoi_tools.errors import NoSpace

_SPARE_BYTES = 16 * 2**20


def require_space(directory: Path, needed_bytes: int) -> None:
    """Raise `NoSpace` unless the directory's file system has room for that many bytes, and some to spare."""
    free = shutil.disk_usage(directory).free
    if free < needed_bytes + _SPARE_BYTES:
        raise NoSpace(
            f"not enough free space in {directory.parent} for the converted image",
            details=f"up to {needed_bytes + _SPARE_BYTES} bytes are needed, {free} are free",
            remedy="Free some space, or name an output (or --work-dir) on another file system.",
        )
