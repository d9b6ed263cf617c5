"""Sources that are damaged without being copied, and the limits that every reader keeps on them."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from byoi_tools.errors import ImageError
from byoi_tools.formats.source import ByteSource

MAX_SECONDS = 4.0
MAX_BYTES = 256 << 20


@dataclass(frozen=True)
class Damaged:
    """`content`, longer or shorter than it was (zeros are added), with bytes replaced at offsets."""

    content: bytes
    size_bytes: int
    patches: Sequence[tuple[int, bytes]] = ()

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size_bytes - offset)
        if offset < 0 or length <= 0:
            return b""
        piece = bytearray(self.content[offset : offset + length].ljust(length, b"\0"))
        for place, data in self.patches:
            start, end = max(place, offset), min(place + len(data), offset + length)
            if start < end:
                piece[start - offset : end - offset] = data[start - place : end - place]
        return bytes(piece)


def survives(read: Callable[[ByteSource], object], source: ByteSource) -> object:
    """What the reader returns, or None after an error of ours; fails when it takes too long or too much memory."""
    started = time.process_time()  # not of the clock, which runs on while others have the processor
    result = _try(read, source)
    elapsed = time.process_time() - started
    assert elapsed < MAX_SECONDS, elapsed
    tracemalloc.start()  # in a run of its own: it makes everything slower
    try:
        _try(read, source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MAX_BYTES, peak
    return result


def _try(read: Callable[[ByteSource], object], source: ByteSource) -> object:
    try:
        return read(source)
    except ImageError as refused:
        assert refused.remedy
        return None
