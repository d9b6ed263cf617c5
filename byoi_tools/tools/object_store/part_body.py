"""The bytes of one part as boto3 sends them: read from the file while they are sent, so that no part is in memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import BinaryIO

_CHUNK_BYTES = 2**17  # a chunk must be sent within the time limit, over the slowest of lines too
_LARGEST_CHUNK_BYTES = 2**20  # what botocore asks for to sign the part, which sends nothing


class PartBody(io.RawIOBase, BinaryIO):
    """A seekable file that is `length` bytes of another, from `start` on; `read_at(offset, length)` reads that one.

    `on_position` is told the position after each reading and each return to the start; what it raises ends the request.
    """

    def __init__(
        self, read_at: Callable[[int, int], bytes], start: int, length: int, on_position: Callable[[int], None]
    ) -> None:
        self._read_at = read_at
        self._start = start
        self._length = length
        self._position = 0
        self._on_position = on_position

    def read(self, size: int = -1) -> bytes:
        """Return what is asked for, but 128 KiB to 1 MiB until the end: urllib3 asks for 16 KiB, which is slow."""
        wanted = min(max(size, _CHUNK_BYTES), _LARGEST_CHUNK_BYTES)
        length = min(wanted, self._length - self._position)
        content = self._read_at(self._start + self._position, length) if length > 0 and size else b""
        self._position += len(content)
        self._on_position(self._position)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; boto3 does so to learn the length, and before it sends the part again."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position in the part."""
        return self._position

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True
