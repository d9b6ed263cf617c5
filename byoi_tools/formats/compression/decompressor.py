"""What the decompressors of several libraries have in common."""

from __future__ import annotations

from typing import Protocol


class Decompressor(Protocol):
    """A decompressor of `bz2`, `lzma` or ISA-L: it is given input, and gives no more output than it is asked for."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether it can go on only with more input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was given behind the end of the stream."""
        ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return what `data` decompresses to, at most `max_length` bytes of it."""
        ...
