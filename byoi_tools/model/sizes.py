"""Writes sizes for people."""

from __future__ import annotations


def human_size(size_bytes: int) -> str:
    """Return a size with binary units and one decimal: `412.3 MiB`, `512 B`."""
    if abs(size_bytes) < 1024:
        return f"{size_bytes} B"
    size, units = size_bytes / 1024, iter(("KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    for larger in units:
        if abs(size) < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.1f} {unit}"


def exact_size(size_bytes: int) -> str:
    """Return a size both ways: `64.0 MiB (67108864 bytes)`."""
    return f"{human_size(size_bytes)} ({size_bytes} bytes)" if abs(size_bytes) >= 1024 else f"{size_bytes} bytes"
