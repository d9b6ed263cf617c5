"""The door to an image behind a URL: a `ByteSource` that fetches what is read of it, and never the whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType

from byoi_tools.errors import ImageUnreadable, IntegrityError
from byoi_tools.model.secret import Secret
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.http.block_cache import BLOCK_BYTES, BlockCache
from byoi_tools.tools.http.ranges import HttpRanges, RangeAnswer, RangeFailed
from byoi_tools.tools.http.retries import with_retries

_RANGE_NOT_SATISFIABLE = 416


class HttpSource:
    """An object that is read by ranged GETs, as it was when it was opened; a context manager that closes it.

    Failures that may pass (5xx, timeouts, broken connections) are tried again three times within some seconds. Reading
    raises `StorageError` when that does not help, and `IntegrityError` when the object was exchanged meanwhile: its
    ETag (else Last-Modified) and its size are compared in every answer. `headers` are sent with each request.
    `fetched_bytes` and `requests` count what came and what was asked. Not to be shared by threads.
    """

    def __init__(self, url: Secret, name: str, clock: Clock, headers: Iterable[tuple[str, Secret]] = ()) -> None:
        self._name = name
        self._clock = clock
        self._ranges = HttpRanges(url, name, headers)
        self.fetched_bytes = 0
        self.requests = 0
        try:
            first = self._try_get(0, BLOCK_BYTES - 1)
        except RangeFailed as failed:
            if failed.status == _RANGE_NOT_SATISFIABLE:
                raise ImageUnreadable(f"{name} is empty", remedy="Build or upload the image again.") from failed
            raise
        self._version, self._size_bytes = first.version, first.total_bytes
        self._lock = threading.Lock()
        self._cache = BlockCache(self._fetch, first.total_bytes)
        self._cache.keep(0, first.content)

    @property
    def size_bytes(self) -> int:
        """The size of the object."""
        return self._size_bytes

    @property
    def allocated_bytes(self) -> int:
        """The size of the object: stores know no holes."""
        return self._size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the object."""
        with self._lock:  # one connection, one cache
            return self._cache.read_at(offset, length)

    def close(self) -> None:
        """Close the connection."""
        self._ranges.close()

    def __enter__(self) -> HttpSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, offset: int, length: int) -> bytes:
        try:
            answer = self._try_get(offset, offset + length - 1)
        except RangeFailed as failed:
            if failed.status == _RANGE_NOT_SATISFIABLE:
                raise self._exchanged("it is shorter now") from failed
            raise
        if (answer.version, answer.total_bytes) != (self._version, self._size_bytes):
            now = f"{answer.total_bytes} bytes, version {answer.version[:80]!r}"
            raise self._exchanged(f"{self._size_bytes} bytes, version {self._version[:80]!r} before; {now} now")
        return answer.content

    def _exchanged(self, details: str) -> IntegrityError:
        return IntegrityError(
            f"{self._name} was exchanged while it was read",
            details=details,
            remedy="Run the same command again, when nobody writes the object.",
        )

    def _try_get(self, first: int, last: int) -> RangeAnswer:
        return with_retries(lambda: self._get(first, last), self._clock)

    def _get(self, first: int, last: int) -> RangeAnswer:
        self.requests += 1
        answer = self._ranges.get(first, last)
        self.fetched_bytes += len(answer.content)
        return answer
