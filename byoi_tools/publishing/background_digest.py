"""Computes digests of a file in a thread of its own, while something else is done with the file."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.publishing.digests import digest_file
from byoi_tools.tools.image_file import open_image


class BackgroundDigest:
    """Digests of the file as it is now, begun with the context and given up with it, unless `result` was asked for."""

    def __init__(self, path: Path, algorithms: tuple[DigestAlgorithm, ...]) -> None:
        self._path = path
        self._algorithms = algorithms
        self._is_over = threading.Event()
        self._digests: tuple[Digest, ...] = ()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="digest", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def result(self) -> tuple[Digest, ...]:
        """Wait for the digests and return them in the order asked for; raises what reading raises."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._digests

    def _work(self) -> None:
        try:
            with open_image(self._path) as file:
                self._digests = digest_file(file, self._algorithms, _Brake(self._is_over))
        except BaseException as error:  # it is raised again where the caller waits
            self._failure = error


class _GivenUp(Exception):
    """Nobody waits for the digests any more."""


class _Brake(Observer):
    def __init__(self, is_over: threading.Event) -> None:
        self._is_over = is_over

    def work_advanced(self, work: str, done_bytes: int) -> None:
        if self._is_over.is_set():
            raise _GivenUp
