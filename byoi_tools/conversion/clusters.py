"""Compresses clusters for a qcow2 image: by ISA-L (raw deflate) or zstd; a cluster of zeros is not stored at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache

import isal
import zstandard
from isal import isal_zlib

from byoi_tools.model.image import Compression

_WINDOW_BITS = -12  # raw deflate with the window that QEMU uses (block/qcow2-threads.c)
_DEFLATE_LEVEL = 2  # 0.3 % smaller than level 1 at the same speed; level 3 saves 1 % more and takes twice the time
_FIRST_BYTES = 4
_ZSTD_LEVEL = 3

_local = threading.local()


def squeeze(content: bytes, cluster_bytes: int, compression: Compression) -> Iterator[tuple[int, bytes | memoryview]]:
    """Yield (number, squeezed) for each cluster of the content that is not all zeros, numbered from 0.

    The result depends on the bytes and the compression alone, so that any number of threads gives the same image. What
    has the length of a cluster is not compressed: that would save nothing.
    """
    zeros = _zeros(cluster_bytes)
    view = memoryview(content)
    for number, offset in enumerate(range(0, len(content), cluster_bytes)):
        if content.startswith(zeros, offset):
            continue
        cluster = view[offset : offset + cluster_bytes]
        if compression is not Compression.NONE:
            compressed = _deflate(cluster) if compression is Compression.ZLIB else _zstd().compress(cluster)
            if len(compressed) < cluster_bytes:
                yield number, compressed
                continue
        yield number, cluster


def compressor_versions(compression: Compression) -> dict[str, str]:
    """Return the library that compresses, and its version: on another one the bytes may differ."""
    match compression:
        case Compression.ZLIB:
            return {"isal": isal.__version__}
        case Compression.ZSTD:
            return {"zstandard": zstandard.__version__}
        case Compression.NONE:
            return {}


@lru_cache(maxsize=4)
def _zeros(length: int) -> bytes:
    return bytes(length)


def _deflate(cluster: memoryview) -> bytes:
    """Deflate four bytes apart from the rest, which costs nine bytes and makes the result the same each time.

    ISA-L 2.32 (igzip_icf_body_h1_gr_bt.asm, `.write_first_byte`) takes the hash of the third byte of a stream from the
    address of its own state, which is another in every process and thread, and so misses a match once in 100,000
    clusters. Its other loop, which ends a block, does not; a stream that was begun by it goes on well.
    """
    stream = isal_zlib.compressobj(_DEFLATE_LEVEL, isal_zlib.DEFLATED, _WINDOW_BITS)
    first = stream.compress(cluster[:_FIRST_BYTES]), stream.flush(isal_zlib.Z_SYNC_FLUSH)
    return b"".join((*first, stream.compress(cluster[_FIRST_BYTES:]), stream.flush()))


def _zstd() -> zstandard.ZstdCompressor:
    """One compressor for each thread: they may not be shared."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor
