"""Sizes as people read them."""

from __future__ import annotations

import pytest

from byoi_tools.model.sizes import exact_size, human_size


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (64 << 20, "64.0 MiB"),
        (13 << 30, "13.0 GiB"),
        (4_000_000_000_000, "3.6 TiB"),
        (1 << 60, "1048576.0 TiB"),
        (-(2 << 20), "-2.0 MiB"),
    ],
)
def test_sizes_have_binary_units(size_bytes: int, shown: str) -> None:
    assert human_size(size_bytes) == shown


def test_an_exact_size_has_its_bytes() -> None:
    assert exact_size(64 << 20) == "64.0 MiB (67108864 bytes)"
    assert exact_size(100) == "100 bytes"
