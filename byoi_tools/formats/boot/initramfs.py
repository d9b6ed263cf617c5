"""Lists an initramfs: cpio archives one after the other, plain or compressed (early-userspace/buffer-format.rst).

The order of decisions is that of `unpack_to_rootfs` in Linux, init/initramfs.c: at each place a cpio archive, padding
of zeros, or a compressed segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.cpio import MAGICS, CpioEntry, damaged, read_archive
from byoi_tools.formats.boot.initramfs_compression import Segment, compression_of
from byoi_tools.formats.compression.byte_stream import ByteStream
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.dataclass import dataclass

OUTPUT_LIMIT_BYTES = 1 << 30
_SLOW_OUTPUT_LIMIT_BYTES = 256 << 20
_SLOW = ("bzip2", "lzma", "xz")
_ENTRY_LIMIT = 200_000
_NAMES_LIMIT_CHARACTERS = 32 << 20
_KEPT_LIMIT_BYTES = 8 << 20
_SEGMENT_LIMIT = 64
_PIECE_BYTES = 1 << 20
_ZEROS_BYTES = 1 << 16
_MAGIC_BYTES = 6

IsWanted = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class InitramfsListing:
    """What was listed: the compression of each segment (`cpio` for none) and the entries of all of them, in order.

    `damage` says why the listing ends before the initramfs does; empty when all of it was read. `unread` says that the
    rest could not be looked at for a reason that is no defect.
    """

    segments: tuple[str, ...]
    entries: tuple[CpioEntry, ...]
    damage: str
    unread: str


def list_initramfs(source: ByteSource, is_wanted: IsWanted) -> InitramfsListing:
    """Return what an initramfs holds; `is_wanted(path, size_bytes)` tells which files keep their content.

    Reads forwards, so that the source may be one that is still arriving. Never raises for content. Decompresses at most
    1 GiB (256 MiB of the slow compressions), a mebibyte at a time, and keeps at most 8 MiB of the files.
    """
    segments: list[str] = []
    entries: list[CpioEntry] = []
    damage = unread = ""
    try:
        for entry in _walk(source, is_wanted, segments):
            entries.append(entry)
    except ImageMalformed as malformed:
        damage = malformed.details or malformed.message
    except _UnreadError as reason:
        unread = str(reason)
    if not segments and not damage:
        damage = "it is empty"
    return InitramfsListing(tuple(segments), tuple(entries), damage, unread)


class _UnreadError(Exception):
    """The rest is not looked at; the text says why."""


def _walk(source: ByteSource, is_wanted: IsWanted, segments: list[str]) -> Iterator[CpioEntry]:
    budget = _Budget(is_wanted)
    offset = 0
    while True:
        offset = _skip_zeros(source, offset)
        magic = source.read_at(offset, _MAGIC_BYTES)
        if not magic:
            return
        if len(segments) == _SEGMENT_LIMIT:
            raise _UnreadError(f"it has more than {_SEGMENT_LIMIT} segments")
        if magic in MAGICS:
            segments.append("cpio")
            stream = ByteStream(_pieces(source, offset))
            yield from budget.counted(read_archive(stream, budget.is_wanted))
            offset += stream.offset
            continue
        compression = compression_of(source, offset)
        if compression is None:
            raise damaged(f"at byte {offset} is neither a cpio archive nor a compression that Linux knows")
        segments.append(compression)
        if compression == "lzop":
            raise _UnreadError("it is compressed with lzop, for which there is no library under a permissive licence")
        segment = Segment(compression, source, offset)
        yield from budget.counted(_archives(ByteStream(budget.metered(segment, compression)), budget.is_wanted))
        offset = segment.end


def _archives(stream: ByteStream, is_wanted: IsWanted) -> Iterator[CpioEntry]:
    """The archives inside of one compressed segment, zeros between and after them."""
    stream.skip_zeros()
    while not stream.is_at_end():
        yield from read_archive(stream, is_wanted)
        stream.skip_zeros()


class _Budget:
    """How much may still be made of the whole initramfs."""

    def __init__(self, is_wanted: IsWanted) -> None:
        self._is_wanted = is_wanted
        self._entries = 0
        self._characters = 0
        self._kept = 0
        self._bytes = 0

    def is_wanted(self, path: str, size_bytes: int) -> bool:
        if self._kept + size_bytes > _KEPT_LIMIT_BYTES or not self._is_wanted(path, size_bytes):
            return False
        self._kept += size_bytes
        return True

    def counted(self, entries: Iterator[CpioEntry]) -> Iterator[CpioEntry]:
        for entry in entries:
            self._entries += 1
            self._characters += len(entry.path)
            if self._entries > _ENTRY_LIMIT or self._characters > _NAMES_LIMIT_CHARACTERS:
                raise _UnreadError(f"it has more than {_ENTRY_LIMIT} files, or endless names")
            yield entry

    def metered(self, segment: Segment, compression: str) -> Iterator[bytes]:
        limit = _SLOW_OUTPUT_LIMIT_BYTES if compression in _SLOW else OUTPUT_LIMIT_BYTES
        for chunk in segment.chunks():
            self._bytes += len(chunk)
            if self._bytes > limit:
                raise _UnreadError(f"it decompresses to more than {limit >> 20} MiB")
            yield chunk


def _pieces(source: ByteSource, offset: int) -> Iterator[bytes]:
    while piece := source.read_at(offset, _PIECE_BYTES):
        yield piece
        offset += len(piece)


def _skip_zeros(source: ByteSource, offset: int) -> int:
    """The next place that is not zero, or the end."""
    while piece := source.read_at(offset, _ZEROS_BYTES):
        rest = len(piece.lstrip(b"\0"))
        offset += len(piece) - rest
        if rest:
            break
    return offset
