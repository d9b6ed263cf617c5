"""Decompresses a segment of an initramfs as Linux does (lib/decompress*.c), in bounded steps, and finds its end."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator

import lz4.block
import zstandard

from byoi_tools.formats.boot.cpio import damaged
from byoi_tools.formats.compression.byte_stream import ByteStream
from byoi_tools.formats.compression.decompressor import Decompressor
from byoi_tools.formats.compression.zstd_frames import zstd_frame
from byoi_tools.formats.source import ByteSource

_STEP_BYTES = 1024 * 1024
"""So small that each step gets the memory of the one before; no smaller: after each the thread waits for its turn."""
_INPUT_BYTES = 1 << 16
_MEMORY_LIMIT_BYTES = 128 << 20
"""Also the largest zstd window that Linux accepts (lib/decompress_unzstd.c)."""
_LZ4_BLOCK_BYTES = 8 << 20
_LZ4_BLOCK_LIMIT_BYTES = _LZ4_BLOCK_BYTES + _LZ4_BLOCK_BYTES // 255 + 16
_LZ4_MAGIC = b"\x02\x21\x4c\x18"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_XZ_MAGIC = b"\xfd7zXZ\0"
_SUPPORTED_XZ_CHECKS = (0, 1)
"""None and CRC32 (Linux, Documentation/staging/xz.rst)."""

_MAGICS = (
    ("gzip", b"\x1f\x8b"),
    ("bzip2", b"BZh"),
    ("lzma", b"\x5d\x00"),
    ("xz", _XZ_MAGIC),
    ("lzop", b"\x89LZO"),
    ("lz4", _LZ4_MAGIC),
    ("zstd", _ZSTD_MAGIC),
)
_LONGEST_MAGIC_BYTES = max(len(magic) for _, magic in _MAGICS)
_FAILURES = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, zstandard.ZstdError, lz4.block.LZ4BlockError)


def compression_of(source: ByteSource, offset: int) -> str | None:
    """The compression whose magic is at the offset: gzip, bzip2, lzma, xz, lzop, lz4 or zstd; None for another."""
    start = source.read_at(offset, _LONGEST_MAGIC_BYTES)
    return next((name for name, magic in _MAGICS if start.startswith(magic)), None)


class Segment:
    """One compressed piece of a source from `offset` on; `end` is where it ends, known when all chunks were taken."""

    def __init__(self, compression: str, source: ByteSource, offset: int) -> None:
        self._compression = compression
        self._source = source
        self._offset = offset
        self.end = offset

    def chunks(self) -> Iterator[bytes]:
        """Yield what it decompresses to, at most 8 MiB at once.

        Raises `ImageMalformed` for what Linux would not decompress.
        """
        try:
            yield from self._raw_chunks()
        except _FAILURES as failure:
            raise damaged(f"its {self._compression} data at byte {self._offset} is damaged: {failure}") from failure

    def _raw_chunks(self) -> Iterator[bytes]:
        if self._compression == "zstd":
            return self._zstd()
        if self._compression == "lz4":
            return self._lz4()
        if self._compression == "gzip":
            return self._gzip()
        return self._stepwise(self._decompressor())

    def _decompressor(self) -> Decompressor:
        if self._compression == "bzip2":
            return bz2.BZ2Decompressor()
        if self._compression == "lzma":
            return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY_LIMIT_BYTES)
        check = self._source.read_at(self._offset + 7, 1)
        if check and check[0] & 0x0F not in _SUPPORTED_XZ_CHECKS:
            raise damaged("it is xz with another integrity check than CRC32 (xz --check=crc32), which Linux refuses")
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_LIMIT_BYTES)

    def _stepwise(self, decompressor: Decompressor) -> Iterator[bytes]:
        position = self._offset
        while not decompressor.eof:
            piece = b""
            if decompressor.needs_input:
                piece = self._input(position)
                position += len(piece)
            yield decompressor.decompress(piece, _STEP_BYTES)
        self.end = position - len(decompressor.unused_data)

    def _gzip(self) -> Iterator[bytes]:
        decompressor = zlib.decompressobj(31)
        position, pending = self._offset, b""
        while not decompressor.eof:
            if not pending:
                pending = self._input(position)
                position += len(pending)
            yield decompressor.decompress(pending, _STEP_BYTES)
            pending = decompressor.unconsumed_tail
        self.end = position - len(decompressor.unused_data)

    def _input(self, position: int) -> bytes:
        piece = self._source.read_at(position, _INPUT_BYTES)
        if not piece:
            raise EOFError("it is cut off")
        return piece

    def _zstd(self) -> Iterator[bytes]:
        """The library's reader takes a frame that is cut off for one that ends: it is followed beside it."""
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MEMORY_LIMIT_BYTES)
        frame = ByteStream(self._zstd_frame())
        with decompressor.stream_reader(frame, read_size=_STEP_BYTES) as reader:  # type: ignore[arg-type]  # it has read
            while chunk := reader.read(_STEP_BYTES):
                yield chunk

    def _zstd_frame(self) -> Iterator[bytes]:
        self.end = self._offset
        for piece in zstd_frame(self._source, self._offset):
            self.end += len(piece)
            yield piece

    def _lz4(self) -> Iterator[bytes]:
        """The legacy frame: blocks of up to 8 MiB, each behind its compressed size; the magic may come again."""
        position = self._offset + 4
        while len(head := self._source.read_at(position, 4)) == 4:
            if head == _LZ4_MAGIC:
                position += 4
                continue
            size = int.from_bytes(head, "little")
            if size == 0 or size > _LZ4_BLOCK_LIMIT_BYTES:
                break
            block = self._source.read_at(position + 4, size)
            if len(block) != size:
                raise EOFError("it is cut off")
            yield lz4.block.decompress(block, uncompressed_size=_LZ4_BLOCK_BYTES)
            position += 4 + size
        self.end = position
