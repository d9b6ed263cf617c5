"""The child's end of the pipe to `process.py`: frames, and the volumes as the libraries want to read them.

A frame in either direction is a length (4 bytes), a kind (1 byte) and as many bytes; numbers are big-endian.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False  # as the module `typing` says it, whose import would be a half of the start
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

REQUEST, PREAD, DATA, PIECE, ANSWER, REFUSED, BROKEN = range(7)
"""Kinds of frames: what to do; bytes wanted, and given; a piece of an answer, its end; damage; a failure of ours."""
CPU_SECONDS = 20
"""What the child may use."""
EXTENT = struct.Struct(">QQI")
STATUS = struct.Struct(">HIIQq")
"""Mode with type, owner, group, size, modification time in seconds."""
WANTED = struct.Struct(">IQI")
"""Which volume, offset, length: the content of a PREAD frame."""
MAX_FRAME_BYTES = 4 * 1024 * 1024
BLOCK_BYTES = 64 * 1024
CACHED_BLOCKS = 256


class Pipe:
    """The two ends towards the parent."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._in = incoming
        self._out = outgoing

    def receive(self) -> tuple[int, bytes]:
        """Return the next frame; the end of the pipe is the end of the process."""
        head = self._in.read(5)
        if len(head) < 5:
            raise SystemExit(0)
        length, kind = struct.unpack(">IB", head)
        return kind, self._in.read(length)

    def send(self, kind: int, content: bytes = b"") -> None:
        """Send a frame; the pieces of an answer go with what follows them, so that the parent is woken once."""
        self._out.write(struct.pack(">IB", len(content), kind) + content)
        if kind != PIECE:
            self._out.flush()

    def pread(self, source: int, offset: int, length: int) -> bytes:
        """Bytes of a volume, fewer at its end."""
        self.send(PREAD, WANTED.pack(source, offset, length))
        return self.receive()[1]


class Blocks:
    """The volumes' bytes, with a cache of blocks: the libraries read a few bytes at a time."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._blocks: dict[tuple[int, int], bytes] = {}

    def read(self, source: int, offset: int, length: int) -> bytes:
        """Return the bytes at an offset, fewer at the end of the volume."""
        if length >= BLOCK_BYTES:
            return b"".join(self._read_uncached(source, offset, length))
        pieces = []
        while length > 0:
            number, inner = divmod(offset, BLOCK_BYTES)
            piece = self._block(source, number)[inner : inner + length]
            if not piece:
                break
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_uncached(self, source: int, offset: int, length: int) -> Iterator[bytes]:
        while length > 0:
            piece = self._pipe.pread(source, offset, min(length, MAX_FRAME_BYTES))
            if not piece:
                return
            yield piece
            offset += len(piece)
            length -= len(piece)

    def _block(self, source: int, number: int) -> bytes:
        block = self._blocks.pop((source, number), None)
        if block is None:
            block = self._pipe.pread(source, number * BLOCK_BYTES, BLOCK_BYTES)
            if len(self._blocks) >= CACHED_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
        self._blocks[source, number] = block  # the last one in is the last one out
        return block


class Content:
    """A volume, as the file-like object that the libraries want."""

    def __init__(self, blocks: Blocks, source: int, size: int) -> None:
        self._blocks = blocks
        self._source = source
        self._size = size
        self._position = 0

    def read(self, size: int | None = None) -> bytes:
        """Return up to `size` bytes from the position on."""
        rest = self._size - self._position
        length = rest if size is None or size < 0 else min(size, rest)
        if length <= 0 or self._position < 0:
            return b""
        content = self._blocks.read(self._source, self._position, length)
        self._position += len(content)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        """Move the position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset

    def tell(self) -> int:
        """The position."""
        return self._position

    def get_size(self) -> int:
        """The size."""
        return self._size
