"""What every reader reads from: something with a size that gives bytes at an offset."""

from __future__ import annotations

from typing import Protocol

from byoi_tools.errors import ImageMalformed
from byoi_tools.model.dataclass import dataclass


class ByteSource(Protocol):
    """A file, something remote, a virtual disk or a part of one.

    Reading raises `ImageError`, or `StorageError` when what is remote cannot be fetched, and nothing else.
    """

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on: `length` of them, or fewer at the end of the source."""
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that are already here."""

    content: bytes

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        return len(self.content)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` on."""
        return self.content[offset : offset + length] if offset >= 0 and length > 0 else b""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of another source, for instance a partition of a disk; never reads outside of it."""

    whole: ByteSource
    start_bytes: int
    length_bytes: int

    @property
    def size_bytes(self) -> int:
        """The size of the part, cut at the end of the whole."""
        return max(0, min(self.length_bytes, self.whole.size_bytes - self.start_bytes))

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` of the part on."""
        length = min(length, self.size_bytes - offset)
        return self.whole.read_at(self.start_bytes + offset, length) if offset >= 0 and length > 0 else b""


def read_exactly(source: ByteSource, offset: int, length: int, what: str) -> bytes:
    """Return exactly `length` bytes; raises `ImageMalformed`, naming `what`, when the source ends before."""
    content = source.read_at(offset, length) if offset >= 0 else b""
    if len(content) != length:
        raise ImageMalformed(
            f"the {what} ends beyond the end of the data",
            details=f"{length} bytes at offset {offset} were needed, {len(content)} are there",
            remedy="Build or download the image again: it is truncated or damaged.",
        )
    return content
