"""Writes sizes for people, and reads theirs."""

from __future__ import annotations

from byoi_tools.errors import UsageError

_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """Read `1TiB`, `500 GiB`, `64M` or `4096` as bytes: every unit is binary. Raises `UsageError`."""
    stripped = text.strip()
    digits = stripped[: len(stripped) - len(stripped.lstrip("0123456789"))]
    unit = stripped[len(digits) :].strip().upper().removesuffix("IB")
    if not digits or len(digits) > 15 or unit not in _UNITS or int(digits) == 0:
        raise UsageError("this is no size", details=text[:80], remedy="Write it as 500GiB, 1TiB or 4096 (bytes).")
    return int(digits) * _UNITS[unit]


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
