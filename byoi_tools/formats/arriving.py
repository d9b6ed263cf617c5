"""Bytes that are read while they still arrive, from another thread."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from threading import Condition


class Arriving:
    """A `ByteSource` that one thread receives and others read: they wait for what has not arrived yet."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._starts: list[int] = []
        self._size_bytes = 0
        self._is_complete = False
        self._changed = Condition()

    def receive(self, pieces: Iterable[bytes]) -> None:
        """Take all pieces, in order; nothing more arrives afterwards, also when they raise, which is passed on."""
        try:
            for piece in pieces:
                self._append(piece)
        finally:
            with self._changed:
                self._is_complete = True
                self._changed.notify_all()

    @property
    def size_bytes(self) -> int:
        """How many bytes have arrived, once all have: it waits for that."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_complete)
            return self._size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_complete or self._size_bytes >= offset + length)
        if length <= 0 or not 0 <= offset < self._size_bytes:
            return b""
        number = bisect_right(self._starts, offset) - 1
        begin = offset - self._starts[number]
        taken = self._pieces[number][begin : begin + length]
        while len(taken) < length and number + 1 < len(self._pieces):
            number += 1
            taken += self._pieces[number][: length - len(taken)]
        return taken

    def _append(self, piece: bytes) -> None:
        if not piece:
            return
        with self._changed:
            self._pieces.append(piece)
            self._starts.append(self._size_bytes)
            self._size_bytes += len(piece)
            self._changed.notify_all()
