"""Runs of a FAT chain are its clusters, whatever the table holds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.filesystems.fat_boot_sector import FatLayout
from byoi_tools.formats.filesystems.fat_table import FatTable
from byoi_tools.formats.source import Memory
from tests.fat_volumes import make_layout

LARGEST = 60


@st.composite
def tables(draw: st.DrawFn) -> list[int]:
    """Entries that mostly lead to the next cluster; else anywhere, or to the end."""
    count = draw(st.integers(3, LARGEST))
    return [
        draw(st.sampled_from([number + 1] * 6 + [0xFFFF, 0, 0xFFF7, draw(st.integers(0, count + 2))]))
        for number in range(count)
    ]


@given(tables(), st.integers(0, LARGEST), st.integers(1, LARGEST + 20))
def test_runs_are_the_clusters_of_the_chain(entries: list[int], first: int, limit: int) -> None:
    layout = make_layout(16, len(entries) - 2)
    table = FatTable(Memory(_stored(entries, layout)), layout)
    runs = _outcome(lambda: [range(start, start + count) for start, count in table.runs(first, limit)])
    chain = _outcome(lambda: [range(cluster, cluster + 1) for cluster in _first(table.chain(first), limit)])
    assert runs == chain


def _first(clusters: Iterable[int], limit: int) -> Iterable[int]:
    for number, cluster in enumerate(clusters, 1):
        yield cluster
        if number == limit:
            return


def _outcome(read: Callable[[], list[range]]) -> list[int] | str:
    try:
        return [cluster for run in read() for cluster in run]
    except ImageMalformed as malformed:
        return str(malformed.details)


def _stored(entries: list[int], layout: FatLayout) -> bytes:
    return bytes(layout.fat_start_bytes(0)) + struct.pack(f"<{len(entries)}H", *entries)
