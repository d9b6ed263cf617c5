"""Reads and skips through bytes that come in chunks, so that what a decompressor makes is never all in memory."""

from __future__ import annotations

from collections.abc import Iterator


class ByteStream:
    """A forward-only view of chunks; `offset` is how many bytes were passed. Raises what the chunks raise."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = b""
        self._position = 0
        self.offset = 0

    def read(self, length: int) -> bytes:
        """Return the next `length` bytes, or fewer at the end."""
        if self._position + length <= len(self._chunk):  # the usual case
            return self._take(length)
        pieces: list[bytes] = []
        while length > 0 and self._has_more():
            pieces.append(self._take(length))
            length -= len(pieces[-1])
        return b"".join(pieces)

    def skip(self, length: int) -> int:
        """Pass over the next `length` bytes; return how many there were."""
        wanted = length
        while length > 0 and self._has_more():
            step = min(length, len(self._chunk) - self._position)
            self._advance(step)
            length -= step
        return wanted - length

    def skip_zeros(self) -> None:
        """Pass over all bytes that are zero, up to the next one that is not or the end."""
        while self._has_more():
            rest = len(self._chunk[self._position :].lstrip(b"\0"))
            self._advance(len(self._chunk) - self._position - rest)
            if rest:
                return

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return not self._has_more()

    def _take(self, length: int) -> bytes:
        piece = self._chunk[self._position : self._position + length]
        self._advance(len(piece))
        return piece

    def _advance(self, step: int) -> None:
        self._position += step
        self.offset += step

    def _has_more(self) -> bool:
        while self._position >= len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk, self._position = chunk, 0
        return True
