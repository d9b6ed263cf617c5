"""Follows the frames of zstd data from block to block, without decompressing them (RFC 8878, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.formats.source import ByteSource

_MAGIC = 0xFD2FB528
_SKIPPABLE_MAGIC = 0x184D2A50  # and the fifteen after it
_LARGEST_BLOCK_BYTES = 128 << 10
_RLE_BLOCK, _RESERVED_BLOCK = 1, 3


def zstd_frames(source: ByteSource) -> Iterator[bytes]:
    """Yield the bytes of all frames in pieces; skippable frames are passed over.

    Raises `EOFError` where the source ends within a frame, `ValueError` for what is no frame.
    """
    position = 0
    while position < source.size_bytes:
        magic = _number(source, position, 4)
        if magic & ~0xF == _SKIPPABLE_MAGIC:
            position += 8 + _number(source, position + 4, 4)
        elif magic == _MAGIC:
            for start, length in _pieces(source, position):
                yield _exactly(source, start, length)
                position = start + length
        else:
            raise ValueError(f"there is no frame at byte {position}")
    if position > source.size_bytes:
        raise EOFError("the file ends within a skippable frame")


def zstd_frame(source: ByteSource, start: int) -> Iterator[bytes]:
    """Yield the bytes of the frame whose magic is at `start` in pieces; raises as `zstd_frames`."""
    for position, length in _pieces(source, start):
        yield _exactly(source, position, length)


def _pieces(source: ByteSource, start: int) -> Iterator[tuple[int, int]]:
    """Where the header, each block and the check sum of a frame lie, one behind the other: position and length."""
    descriptor = _number(source, start + 4, 1)
    is_single_segment = bool(descriptor & 0x20)
    content_size_bytes = (1 if is_single_segment else 0, 2, 4, 8)[descriptor >> 6]
    header_bytes = 5 + (0 if is_single_segment else 1) + (0, 1, 2, 4)[descriptor & 3] + content_size_bytes
    yield start, header_bytes
    position, is_last = start + header_bytes, False
    while not is_last:
        header = _number(source, position, 3)
        is_last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        if kind == _RESERVED_BLOCK or size > _LARGEST_BLOCK_BYTES:
            raise ValueError(f"there is no block at byte {position}")
        length = 3 + (1 if kind == _RLE_BLOCK else size)
        yield position, length
        position += length
    if descriptor & 4:
        yield position, 4


def _number(source: ByteSource, position: int, length: int) -> int:
    return int.from_bytes(_exactly(source, position, length), "little")


def _exactly(source: ByteSource, position: int, length: int) -> bytes:
    content = source.read_at(position, length)
    if len(content) != length:
        raise EOFError(f"the file ends within the frame around byte {position}")
    return content
