"""Keeps what was fetched of something far away, in blocks, and fetches more at once where it is read in sequence."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from byoi_tools.model.dataclass import dataclass

BLOCK_BYTES = 64 * 1024  # the cluster size of nearly every qcow2
_CAPACITY_BYTES = 64 * 2**20
_LARGEST_FETCH_BYTES = 4 * 2**20
_STREAMS = 16
_AHEAD_BLOCKS = 8
_AHEAD_SHARE = 32


@dataclass(frozen=True, slots=True)
class _Stream:
    """Fetches that follow each other: where the last one ended, how far it looked ahead, how many blocks all had."""

    end: int
    window: int
    blocks: int


class BlockCache:
    """A window on `size_bytes` bytes that `fetch(offset, length)` brings; memory is bounded by `capacity_bytes`.

    The least recently used blocks go first. A miss beside the end of an earlier fetch (on either side: qemu-img writes
    the clusters of a qcow2 in a slightly shuffled order) belongs to its stream, and brings twice as much as that one:
    up to 8 blocks, then up to a 32nd of what the stream brought so far, then up to 4 MiB. So what is fetched in vain
    stays a small part of what was read. Streams may alternate. What `fetch` raises comes through, and leaves nothing
    behind.
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
        self._streams: list[_Stream] = []  # the latest first

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
        """The block of that number; where it must be fetched, the blocks up to `last` are wanted too."""
        if number not in self._blocks:
            stream = self._stream_at(number)
            most = min(max(_AHEAD_BLOCKS, stream.blocks // _AHEAD_SHARE), self._largest)
            window = min(max(1, 2 * stream.window), most)
            first, end = self._missing_around(number, last, window)
            start = first * self._block_bytes
            self.keep(first, self._fetch(start, min((end - first) * self._block_bytes, self._size_bytes - start)))
            now = _Stream(end, window, stream.blocks + end - first)
            self._streams = [now, *(other for other in self._streams if other is not stream)][:_STREAMS]
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _stream_at(self, number: int) -> _Stream:
        """The stream that a miss belongs to; an empty one where it belongs to none."""
        near = (stream for stream in self._streams if abs(number - stream.end) <= stream.window)
        return next(near, _Stream(number, 0, 0))

    def _missing_around(self, number: int, last: int, window: int) -> tuple[int, int]:
        """The first block to fetch, and the one after the last: missing ones of the aligned window or up to `last`."""
        lowest = number - number % window
        highest = min(max(lowest + window, last + 1), number + self._largest, -(-self._size_bytes // self._block_bytes))
        first, end = number, number + 1
        while first > lowest and first - 1 not in self._blocks:
            first -= 1
        while end < highest and end not in self._blocks:
            end += 1
        return first, end
