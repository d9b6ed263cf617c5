"""Writes a stream of unknown length to a new file: zeros become holes, and neither the cap nor the disk is overrun."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import ImageUnsafe, NoSpace
from byoi_tools.model.sizes import human_size

_BLOCK_BYTES = 1 << 16
_ZEROS = bytes(_BLOCK_BYTES)
_LOOK_AFTER_BYTES = 16 << 20
_SPARE_BYTES = 16 << 20


class SparseOutput:
    """A new file as a context manager; when it is left, the file has the length of what was written.

    `size_bytes` is that length so far; it counts holes too. `name` is what messages call the content.
    """

    def __init__(self, path: Path, name: str, largest_bytes: int) -> None:
        self._path = path
        self._name = name
        self._largest_bytes = largest_bytes
        self._unlooked_bytes = _LOOK_AFTER_BYTES
        self.size_bytes = 0
        with _told_as_no_space(path):
            self._file = path.open("xb", buffering=0)

    def write(self, content: bytes) -> None:
        """Append bytes.

        Raises `ImageUnsafe` beyond the cap, and `NoSpace` before the disk is full or when it is.
        """
        if self.size_bytes + len(content) > self._largest_bytes:
            raise ImageUnsafe(
                f"{self._name} unpacks to more than {human_size(self._largest_bytes)}",
                remedy="If you trust the file, allow more with --max-size; a small file can unpack to any size.",
            )
        self._look_for_space(len(content))
        with _told_as_no_space(self._path):
            start = 0
            while start < len(content):
                end = start + _BLOCK_BYTES - (self.size_bytes + start) % _BLOCK_BYTES
                self._write_block(content[start:end], self.size_bytes + start)
                start = end
        self.size_bytes += len(content)

    def _write_block(self, block: bytes, offset: int) -> None:
        if block == _ZEROS[: len(block)]:
            return
        self._file.seek(offset)
        while block:  # one call may write less, where the disk is nearly full
            block = block[self._file.write(block) :]

    def _look_for_space(self, more_bytes: int) -> None:
        """Now and then: what is declared of a stream's length cannot be trusted, so its growth is watched."""
        self._unlooked_bytes += more_bytes
        if self._unlooked_bytes < _LOOK_AFTER_BYTES:
            return
        self._unlooked_bytes = 0
        free = shutil.disk_usage(self._path.parent).free
        if free < _LOOK_AFTER_BYTES + _SPARE_BYTES:
            raise _no_space(self._path, f"{free} bytes are free after {self.size_bytes} bytes of it")

    def __enter__(self) -> SparseOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file, _told_as_no_space(self._path):
            self._file.truncate(self.size_bytes)


@contextmanager
def _told_as_no_space(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        raise _no_space(path, failure.strerror) from failure


def _no_space(path: Path, details: str | None) -> NoSpace:
    return NoSpace(
        f"the unpacked image cannot be written in {path.parent.parent}",
        details=details,
        remedy="Free some space, or name a directory on another file system with --work-dir.",
    )
