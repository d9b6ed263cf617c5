"""Decompresses the clusters of qcow2 images (QEMU, docs/interop/qcow2.txt, "compression_type")."""

from __future__ import annotations

import zstandard
from isal import igzip_lib, isal_zlib

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.containers.qcow2_tables import malformed

ZLIB = 0
ZSTD = 1

# QEMU writes a window of 12 bits, and reads any, for it inflates into one buffer of a cluster's size.
_DEFLATE_WINDOW_BITS = -15
_ZSTD_WINDOW_LIMIT_BYTES = 8 << 20  # what RFC 8878, 3.1.1.1.2 recommends to support; QEMU needs a cluster's size


def decompress_cluster(content: bytes, cluster_size: int, compression_type: int) -> bytes:
    """Return the `cluster_size` bytes that `content` begins with; what follows them, up to a sector's end, is ignored.

    Never makes more than `cluster_size` bytes and one. Raises `ImageMalformed` when the content is damaged or yields
    fewer, or the type is not `ZLIB` (raw deflate) or `ZSTD`.
    """
    try:
        cluster = _decompress(content, cluster_size, compression_type)
    except (igzip_lib.IsalError, zstandard.ZstdError) as error:  # type: ignore[misc]  # isal's stub makes it an instance
        raise malformed("a compressed cluster of the qcow2 image is damaged", str(error)) from error
    if len(cluster) != cluster_size:
        details = f"{len(content)} bytes yield {len(cluster)} instead of {cluster_size}"
        raise malformed("a compressed cluster of the qcow2 image is damaged", details)
    return cluster


def _decompress(content: bytes, cluster_size: int, compression_type: int) -> bytes:
    if compression_type == ZLIB:
        return isal_zlib.decompressobj(_DEFLATE_WINDOW_BITS).decompress(content, cluster_size)
    if compression_type == ZSTD:
        frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_LIMIT_BYTES)
        return frames.stream_reader(content).read(cluster_size + 1)
    raise ImageMalformed(
        "the qcow2 image is compressed in a way that is not supported",
        details=f"compression type {compression_type}",
        remedy="Convert it where it was made: qemu-img convert -O qcow2 -o compression_type=zlib",
    )
