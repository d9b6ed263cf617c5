"""Computes several digests of a file in one read, each in a thread of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer

_BLOCK_BYTES = 4 * 2**20
_WORK = "hashing"


def digest_file(source: ByteSource, algorithms: Iterable[DigestAlgorithm], observer: Observer) -> tuple[Digest, ...]:
    """Return the digests of all bytes of the source, in the order of `algorithms`.

    The next block is read while the last one is hashed (hashlib lets other threads run meanwhile), so that two blocks
    of 4 MiB are in memory. Raises `ImageMalformed` when the source ends before its size.
    """
    wanted = tuple(algorithms)
    hashes = [hashlib.new(algorithm.value, usedforsecurity=False) for algorithm in wanted]
    observer.work_started(_WORK, source.size_bytes)
    done_bytes = 0
    with ThreadPoolExecutor(max_workers=max(1, len(hashes)), thread_name_prefix="digest") as pool:
        updates: list[Future[None]] = []
        for block in _blocks(source):
            _await(updates)
            updates = [pool.submit(running.update, block) for running in hashes]
            done_bytes += len(block)
            observer.work_advanced(_WORK, done_bytes)
        _await(updates)
    observer.work_finished(_WORK)
    return tuple(Digest(algorithm, running.hexdigest()) for algorithm, running in zip(wanted, hashes, strict=True))


def _blocks(source: ByteSource) -> Iterator[bytes]:
    for offset in range(0, source.size_bytes, _BLOCK_BYTES):
        yield read_exactly(source, offset, min(_BLOCK_BYTES, source.size_bytes - offset), "file")


def _await(updates: list[Future[None]]) -> None:
    for update in updates:
        update.result()
