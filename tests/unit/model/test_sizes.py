"""Sizes as people read and write them."""

from __future__ import annotations

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.sizes import exact_size, human_size, parse_size


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


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("4096", 4096), ("1TiB", 1 << 40), ("500 GiB", 500 << 30), ("64M", 64 << 20), ("2k", 2048), ("7B", 7)],
)
def test_sizes_are_read_with_binary_units(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "0", "-1", "much", "1.5GiB", "1XiB", "GiB", "9" * 16, "\u0663", "iB"])
def test_what_is_no_size_is_usage(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)
