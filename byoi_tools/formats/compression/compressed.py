"""Decompresses a file as a stream, in bounded steps: gzip (RFC 1952), bzip2, xz (.xz format 1.1) and zstd (RFC 8878).

All members, streams and frames of the file are read, and nothing else may be in it: what is cut off, and what trails,
is an error. What comes out is never all in memory.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Generator, Iterator

import zstandard
from isal import igzip_lib

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.compression.byte_stream import ByteStream
from byoi_tools.formats.compression.decompressor import Decompressor
from byoi_tools.formats.compression.zstd_frames import zstd_frames
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.image import ImageFormat

COMPRESSIONS = frozenset({ImageFormat.GZIP, ImageFormat.XZ, ImageFormat.ZSTD, ImageFormat.BZIP2})

_STEP_BYTES = 1 << 20
_INPUT_BYTES = 1 << 16
_MEMORY_LIMIT_BYTES = 128 << 20
"""Also what `zstd -d` takes without --long, and twice what `xz -9` needs."""
_LEAST_MEMBER_BYTES = 512
_FREE_MEMBERS = 2048
_FAILURES: tuple[type[Exception], ...] = (
    igzip_lib.IsalError,  # type: ignore[assignment]  # its stub takes it for an instance
    *(lzma.LZMAError, OSError, EOFError, ValueError, zstandard.ZstdError),
)


def decompress(source: ByteSource, compression: ImageFormat) -> Iterator[bytes]:
    """Yield what is in the file, at most 1 MiB at once; `compression` is one of `COMPRESSIONS`.

    Every check sum of the format is verified. Raises `ImageMalformed` for a file that is damaged, cut off, or followed
    by other bytes, `ImageUnsafe` for one that needs over 128 MiB of memory or consists of absurdly small members, and
    what the source raises.
    """
    try:
        yield from _zstd(source) if compression is ImageFormat.ZSTD else _members(source, compression)
    except _FAILURES as failure:
        if "emory" in str(failure):
            raise ImageUnsafe(
                f"the {compression.value} data needs more memory than 128 MiB to be unpacked",
                details=str(failure),
                remedy="Unpack it with its own program, or pack it with a smaller window or dictionary.",
            ) from failure
        raise ImageMalformed(
            f"the {compression.value} data is damaged, cut off or followed by something else",
            details=str(failure),
            remedy="Build or download the file again.",
        ) from failure


def _decompressor(compression: ImageFormat) -> Decompressor:
    if compression is ImageFormat.GZIP:
        gzip: Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        return gzip
    if compression is ImageFormat.BZIP2:
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_LIMIT_BYTES)


def _members(source: ByteSource, compression: ImageFormat) -> Iterator[bytes]:
    position = members = 0
    while position < source.size_bytes:
        position = yield from _member(source, _decompressor(compression), position)
        members += 1
        if (members - _FREE_MEMBERS) * _LEAST_MEMBER_BYTES > position:
            raise ImageUnsafe(
                f"the {compression.value} data consists of absurdly many small members",
                details=f"{members} in {position} bytes",
                remedy="Build or download the file again; this one is made to keep its readers busy.",
            )
        if compression is ImageFormat.XZ:
            position = _skip_padding(source, position)


def _member(source: ByteSource, decompressor: Decompressor, position: int) -> Generator[bytes, None, int]:
    """Yield the content of the member at the position; return where it ends."""
    start = position
    while not decompressor.eof:
        piece = b""
        if decompressor.needs_input:
            piece = source.read_at(position, _INPUT_BYTES)
            position += len(piece)
            if not piece:
                raise EOFError(f"the file ends within what begins at byte {start}")
        yield decompressor.decompress(piece, _STEP_BYTES)
    return position - len(decompressor.unused_data)


def _skip_padding(source: ByteSource, position: int) -> int:
    """Pass over stream padding: zeros, in groups of four (.xz format, section 2.2)."""
    start = position
    while piece := source.read_at(position, _INPUT_BYTES):
        zeros = len(piece) - len(piece.lstrip(b"\0"))
        position += zeros
        if zeros < len(piece):
            break
    if (position - start) % 4:
        raise ValueError(f"the padding at byte {start} is no multiple of four bytes")
    return position


def _zstd(source: ByteSource) -> Iterator[bytes]:
    """The library's reader takes a file that is cut off for one that ends: its frames are followed beside it."""
    frames = ByteStream(zstd_frames(source))
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MEMORY_LIMIT_BYTES)
    with decompressor.stream_reader(frames, read_across_frames=True) as reader:  # type: ignore[arg-type]  # it has read
        while chunk := reader.read(_STEP_BYTES):
            yield chunk
