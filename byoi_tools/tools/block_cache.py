"""Keeps what was fetched of something far away, in blocks, and fetches more at once where it is read in sequence."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

BLOCK_BYTES = 64 * 1024  # the cluster size of nearly every qcow2
_CAPACITY_BYTES = 64 * 2**20
_LARGEST_FETCH_BYTES = 4 * 2**20
_STREAMS = 16


class BlockCache:
    """A window on `size_bytes` bytes that `fetch(offset, length)` brings; memory is bounded by `capacity_bytes`.

    The least recently used blocks go first. A read that begins where an earlier fetch ended belongs to a stream, and
    fetches twice as much as the one before it, up to 4 MiB; so at most as much is fetched in vain as was read. Streams
    may alternate. What `fetch` raises comes through, and nothing is kept of it.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes],
        size_bytes: int,
        *,
        block_bytes: int = BLOCK_BYTES,
        capacity_bytes: int = _CAPACITY_BYTES,
    ) -> None:
        self._fetch = fetch
        self._size_bytes = size_bytes
        self._block_bytes = block_bytes
        self._capacity = max(1, capacity_bytes // block_bytes)
        self._largest = max(1, min(_LARGEST_FETCH_BYTES, capacity_bytes // 2) // block_bytes)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._streams: OrderedDict[int, int] = OrderedDict()  # the block after a fetch, and how many it brought

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end."""
        end = min(offset + length, self._size_bytes)
        if offset < 0 or offset >= end:
            return b""
        last = (end - 1) // self._block_bytes
        pieces = [self._block(number, last) for number in range(offset // self._block_bytes, last + 1)]
        start = offset % self._block_bytes
        return b"".join(pieces)[start : start + end - offset]

    def keep(self, first: int, content: bytes) -> None:
        """Keep what is here already: `content` begins with the block `first` and ends with a block, or the whole."""
        for start in range(0, len(content), self._block_bytes):
            self._blocks[first + start // self._block_bytes] = content[start : start + self._block_bytes]
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)

    def _block(self, number: int, last: int) -> bytes:
        """The block of that number; where it must be fetched, up to the block `last` is wanted too."""
        if number not in self._blocks:
            self._fetch_run(number, self._run_length(number, last))
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _run_length(self, first: int, last: int) -> int:
        """How many blocks to fetch from `first` on: up to one that is here, or to the end."""
        wanted = max(last - first + 1, 2 * self._streams.pop(first, 0))
        end = min(first + min(wanted, self._largest), -(-self._size_bytes // self._block_bytes))
        return next((number for number in range(first + 1, end) if number in self._blocks), end) - first

    def _fetch_run(self, first: int, count: int) -> None:
        start = first * self._block_bytes
        content = self._fetch(start, min(count * self._block_bytes, self._size_bytes - start))
        self.keep(first, content)
        self._streams[first + count] = count
        if len(self._streams) > _STREAMS:
            self._streams.popitem(last=False)
