"""Tries a URL as its downloader will use it, before it is handed on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from byoi_tools.errors import IntegrityError, StorageError
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.digest import Digest
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import Verification
from byoi_tools.model.secret import Secret
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.http.ranges import HttpRanges, RangeFailed
from byoi_tools.tools.http.retries import with_retries

SAMPLE_BYTES = 2**20
_WORK = "downloading"


@dataclass(frozen=True, slots=True)
class UrlTrial:
    """A URL, and what it shall bring: the content that lies at `place` (an object or a file).

    `headers` are what the downloader will send in addition; `remedy` is for who did not publish it.
    """

    url: Secret
    place: str
    size_bytes: int
    digest: Digest
    clock: Clock
    observer: Observer
    headers: tuple[tuple[str, Secret], ...] = ()
    remedy: str | None = None

    def run(self, verification: Verification, source: ByteSource | None = None) -> None:
        """Return when the URL brings what it shall.

        `RANGES` compares with `source`; without one (the object is there from an earlier run) the size alone is
        compared. At most 1 MiB of the object is in memory. Failures that may pass are tried again. Raises
        `StorageError` when nothing can be fetched, and `IntegrityError` when it is something else.
        """
        ranges = HttpRanges(self.url, headers=self.headers)
        try:
            if verification is Verification.FULL:
                self._compare_all(ranges)
            else:
                self._compare_samples(ranges, source)
        finally:
            ranges.close()

    def _compare_samples(self, ranges: HttpRanges, source: ByteSource | None) -> None:
        for first in sample_offsets(self.size_bytes) if source else (0,):
            last = min(first + SAMPLE_BYTES, self.size_bytes) - 1 if source else 0
            with _explained():
                answer = with_retries(partial(ranges.get, first, last), self.clock)
            if answer.total_bytes != self.size_bytes:
                raise self._mismatch(f"it has {answer.total_bytes} bytes, the image {self.size_bytes}")
            if source and answer.content != source.read_at(first, last - first + 1):
                raise self._mismatch(f"bytes {first}-{last} differ from those of the file")

    def _compare_all(self, ranges: HttpRanges) -> None:
        running = hashlib.new(self.digest.algorithm.value)
        done_bytes = 0

        def fetch_rest() -> None:
            nonlocal done_bytes
            for piece in ranges.stream(done_bytes, self.size_bytes):
                running.update(piece)
                done_bytes += len(piece)
                if done_bytes > self.size_bytes:
                    return
                self.observer.work_advanced(_WORK, done_bytes)

        self.observer.work_started(_WORK, self.size_bytes)
        with_retries(fetch_rest, self.clock)
        self.observer.work_finished(_WORK)
        if done_bytes != self.size_bytes:
            more = "at least " if done_bytes > self.size_bytes else ""
            raise self._mismatch(f"it has {more}{done_bytes} bytes, the image {self.size_bytes}")
        if running.hexdigest() != self.digest.hexadecimal:
            name = self.digest.algorithm.value
            raise self._mismatch(f"its {name} is {running.hexdigest()}, that of the image {self.digest.hexadecimal}")

    def _mismatch(self, details: str) -> IntegrityError:
        return IntegrityError(
            f"the URL of {self.place} does not bring the image",
            details=details,
            remedy=self.remedy
            or f"Delete {self.place} and publish again; if it happens twice, look for a proxy or cache on the way.",
        )


def sample_offsets(size_bytes: int) -> tuple[int, ...]:
    """Return where the first, a middle and the last MiB begin, each once; small files have fewer of them."""
    last = max(0, size_bytes - SAMPLE_BYTES)
    return tuple(sorted({0, last // 2, last}))


@contextmanager
def _explained() -> Iterator[None]:
    """Say what a server without ranges means here: the provider needs none."""
    try:
        yield
    except RangeFailed as failed:
        if failed.status != HTTPStatus.OK:
            raise
        raise StorageError(
            failed.message,
            details=failed.details,
            remedy="Use --verify full, which downloads all of it without ranges; or a server that serves ranges.",
        ) from failed
