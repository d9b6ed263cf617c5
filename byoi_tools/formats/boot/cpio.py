"""Lists cpio archives in the `newc` form, the only one that Linux unpacks (early-userspace/buffer-format.rst)."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.compression.byte_stream import ByteStream
from byoi_tools.model.dataclass import dataclass

MAGICS = (b"070701", b"070702")
_HEADER_BYTES = 110
_NUMBERS = re.compile(rb"[0-9A-Fa-f]{104}")
_TRAILER = b"TRAILER!!!"
_NAME_LIMIT_BYTES = 4096
"""PATH_MAX of Linux, with the NUL at the end."""


@dataclass(frozen=True, slots=True)
class CpioEntry:
    """An entry: its path without `./` or `/` before it, hostile like all names; `content` only where it was wanted."""

    path: str
    is_file: bool
    is_symlink: bool
    size_bytes: int
    content: bytes | None


def read_archive(stream: ByteStream, is_wanted: Callable[[str, int], bool]) -> Iterator[CpioEntry]:
    """Yield the entries of one archive up to its trailer; the stream is then behind it.

    `is_wanted(path, size_bytes)` tells whose content is kept. Raises `ImageMalformed` where an entry contradicts the
    format or the stream ends before the trailer.
    """
    base = stream.offset
    while True:
        header = stream.read(_HEADER_BYTES)
        size, mode, name_size = _parse(header, stream.offset - len(header))
        name = stream.read(name_size)
        stream.skip(-(stream.offset - base) % 4)
        if len(name) != name_size or name[-1:] != b"\0":
            raise damaged(f"the name of the entry before byte {stream.offset} is cut off or has no end")
        raw = name[:-1]
        if raw == _TRAILER:
            stream.skip(size)
            return
        path = _plain(raw)
        keep = stat.S_ISREG(mode) and is_wanted(path, size)
        content = stream.read(size) if keep else None
        if (stream.skip(size) if content is None else len(content)) != size:
            raise damaged(f"it ends inside of a file of {size} bytes")
        stream.skip(-(stream.offset - base) % 4)
        yield CpioEntry(path, stat.S_ISREG(mode), stat.S_ISLNK(mode), size, content)


def damaged(why: str) -> ImageMalformed:
    """The error for an archive that the kernel would not unpack."""
    return ImageMalformed(
        "the initramfs cannot be unpacked", details=why, remedy="Build it again: update-initramfs -u, or dracut -f."
    )


def _parse(header: bytes, offset: int) -> tuple[int, int, int]:
    """Size, mode and length of the name."""
    if len(header) != _HEADER_BYTES:
        raise damaged("it ends before the trailer of its cpio archive")
    if header[:6] not in MAGICS:
        raise damaged(f"there is no header of a newc archive at byte {offset}")
    if not _NUMBERS.fullmatch(header, 6):
        raise damaged(f"the header at byte {offset} holds no hexadecimal numbers")
    mode, size, name_size = (int(header[start : start + 8], 16) for start in (14, 54, 94))
    if not 0 < name_size <= _NAME_LIMIT_BYTES:
        raise damaged(f"the header at byte {offset} has a name of {name_size} bytes")
    return size, mode, name_size


def _plain(name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    while text.startswith(("./", "/")):
        text = text[2:] if text.startswith("./") else text[1:]
    return text
