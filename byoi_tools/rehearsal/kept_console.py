"""A machine's serial console in a file, as it came."""

from __future__ import annotations

from typing import BinaryIO

_LARGEST_CONSOLE = 64 << 20


class KeptConsole:
    """The console in a file that is open for writing; it stops growing at 64 MiB."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._room = _LARGEST_CONSOLE

    def __call__(self, text: str) -> None:
        """Add text."""
        content = text.encode("utf-8", "replace")[: self._room]
        self._room -= len(content)
        self._file.write(content)
        self._file.flush()
