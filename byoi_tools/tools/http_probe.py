"""Tries a URL as its downloader will see it: one ranged GET without credentials."""

from __future__ import annotations

from byoi_tools.model.secret import Secret
from byoi_tools.tools.http_ranges import HttpRanges, RangeAnswer


def fetch_range(url: Secret, first: int, last: int) -> RangeAnswer:
    """GET the bytes from `first` to `last`, both inclusive; they end with the object.

    Raises `StorageError` for every other answer than 206 with that range, and when none comes; the query of the URL
    is not in its texts. Never reads more than was asked for.
    """
    ranges = HttpRanges(url)
    try:
        return ranges.get(first, last)
    finally:
        ranges.close()
