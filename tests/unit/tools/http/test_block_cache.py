"""The cache against plain bytes: it always reads the same, fetches nothing twice while it has room, and stays small."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.errors import StorageError
from byoi_tools.tools.http.block_cache import BlockCache

CONTENT = random.Random(3).randbytes(10_007)  # noqa: S311 - the same in each run


class Store:
    """Gives ranges of the content, and remembers which."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.fetches: list[tuple[int, int]] = []

    def fetch(self, offset: int, length: int) -> bytes:
        assert 0 <= offset < len(self.content)
        assert 0 < length <= len(self.content) - offset
        self.fetches.append((offset, length))
        return self.content[offset : offset + length]

    @property
    def fetched_bytes(self) -> int:
        return sum(length for _, length in self.fetches)

    def cache(self, block_bytes: int = 100, capacity_bytes: int = 100_000) -> BlockCache:
        return BlockCache(self.fetch, len(self.content), block_bytes=block_bytes, capacity_bytes=capacity_bytes)


@given(
    st.lists(st.tuples(st.integers(-5, len(CONTENT) + 5), st.integers(-5, 3000)), max_size=40),
    st.integers(1, 999),
    st.integers(1, 4000),
)
def test_it_reads_what_is_there(reads: list[tuple[int, int]], block_bytes: int, capacity_bytes: int) -> None:
    store = Store()
    cache = store.cache(block_bytes, capacity_bytes)
    for offset, length in reads:
        expected = CONTENT[offset : offset + length] if offset >= 0 and length > 0 else b""
        assert cache.read_at(offset, length) == expected


@given(st.lists(st.tuples(st.integers(0, len(CONTENT)), st.integers(0, 3000)), max_size=40))
def test_nothing_is_fetched_twice_while_there_is_room(reads: list[tuple[int, int]]) -> None:
    store = Store()
    cache = store.cache()
    for offset, length in reads:
        cache.read_at(offset, length)
    taken = [place for offset, length in store.fetches for place in range(offset, offset + length)]
    assert len(taken) == len(set(taken))


def test_memory_is_bounded() -> None:
    store = Store()
    cache = store.cache(capacity_bytes=1000)
    for offset in range(0, len(CONTENT), 50):
        cache.read_at(offset, 50)
    fetches = len(store.fetches)
    cache.read_at(len(CONTENT) - 10, 10)  # is still there
    assert len(store.fetches) == fetches
    cache.read_at(0, 100)  # was dropped for later ones
    assert len(store.fetches) == fetches + 1


def test_what_is_used_again_stays() -> None:
    store = Store()
    cache = store.cache(capacity_bytes=1000)
    for number in range(2, 100, 2):
        cache.read_at(0, 10)
        cache.read_at(number * 100, 10)
    assert store.fetches.count((0, 100)) == 1


@pytest.mark.parametrize("piece", [1, 10, 100, 250])
def test_sequential_reads_need_few_fetches(piece: int) -> None:
    store = Store()
    cache = store.cache()
    for offset in range(0, len(CONTENT), piece):
        assert cache.read_at(offset, piece) == CONTENT[offset : offset + piece]
    assert len(store.fetches) <= 17  # 101 blocks: 1, 2, 4, then 8 at once
    assert store.fetched_bytes == len(CONTENT)


def test_long_streams_fetch_more_at_once() -> None:
    store = Store(bytes(1_000_000))
    cache = store.cache(capacity_bytes=2_000_000)
    for offset in range(0, 1_000_000, 100):
        cache.read_at(offset, 100)
    assert len(store.fetches) <= 200  # for 10,000 blocks: 36 for the first 256, then each brings a 32nd more
    assert store.fetched_bytes == 1_000_000


def test_sequential_reads_that_alternate_are_both_streams() -> None:
    store = Store()
    cache = store.cache()
    for offset in range(0, 5000, 10):
        cache.read_at(offset, 10)
        cache.read_at(5000 + offset, 10)
    assert len(store.fetches) <= 20


def test_slightly_shuffled_blocks_are_a_stream() -> None:
    store = Store()
    cache = store.cache()
    for start in range(0, 100, 4):
        for number in (start + 1, start, start + 3, start + 2):
            cache.read_at(number * 100, 100)
    assert len(store.fetches) <= 20
    assert store.fetched_bytes <= 10_007


def test_a_stream_that_ends_was_not_fetched_much_further() -> None:
    for end in range(100, 6000, 300):
        store = Store()
        cache = store.cache()
        for offset in range(0, end, 50):
            cache.read_at(offset, 50)
        assert store.fetched_bytes <= end + 8 * 100


def test_places_apart_fetch_a_block_each() -> None:
    store = Store()
    cache = store.cache()
    for number in (90, 3, 50, 20, 70):
        cache.read_at(number * 100 + 20, 50)
    assert store.fetches == [(9000, 100), (300, 100), (5000, 100), (2000, 100), (7000, 100)]


def test_one_read_is_one_fetch_up_to_the_limit() -> None:
    size = 20 * 2**20
    store = Store(bytes(size))
    cache = store.cache(block_bytes=65536, capacity_bytes=64 * 2**20)
    cache.read_at(3 * 2**20 + 5, 2**20)
    assert len(store.fetches) == 1
    cache.read_at(0, size)
    assert max(length for _, length in store.fetches) <= 4 * 2**20


def test_a_failed_fetch_leaves_nothing_behind() -> None:
    def fail(offset: int, length: int) -> bytes:
        if failures:
            raise failures.pop()
        return CONTENT[offset : offset + length]

    failures = [StorageError("no network", remedy="Wait.")]
    cache = BlockCache(fail, len(CONTENT), block_bytes=100)
    with pytest.raises(StorageError):
        cache.read_at(0, 300)
    assert cache.read_at(0, 300) == CONTENT[:300]
