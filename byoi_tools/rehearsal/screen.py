"""Looks at the machine's screen every few seconds: the text of a VGA text mode, and whether a picture has changed.

Systems that write nothing to the serial port still draw. VGA keeps a text mode's characters at 0xB8000, two bytes each
(character in code page 437, colours), 32 KiB with what has scrolled away (IBM VGA Technical Reference); a picture of
720 x 400 pixels is such a mode, as QEMU draws 80 columns of 9 pixels. Of other pictures only a change can be told.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.rehearsal import Screen
from byoi_tools.rehearsal.qemu import ask_monitor

_PAUSE_SECONDS = 3.0
_SECONDS_TO_END = 45.0
_TEXT_ADDRESS, _TEXT_BYTES = 0xB8000, 32 << 10
_TEXT_SIZE = (720, 400)
_COLUMNS, _ROWS = 80, 25
_LARGEST_PICTURE = 64 << 20
_PIXEL_BYTES = 3
_HEADER = re.compile(rb"P6\s([1-9][0-9]{0,4})\s([1-9][0-9]{0,4})\s255\s")
# Blanks, and signs that no text has, where Python would make control characters.
_AS_SPACES = bytes(32 if code < 32 or code in (127, 255) else code for code in range(256))
# A cursor that blinks is no news: a cell of a large font.
_CELL_PIXELS = 32


@dataclass(frozen=True, slots=True)
class Picture:
    """What the screen shows: rows of pixels from the top, three bytes each (red, green, blue)."""

    width: int
    height: int
    pixels: bytes

    @property
    def is_text_mode(self) -> bool:
        """Tell whether it is the picture of VGA's text mode."""
        return (self.width, self.height) == _TEXT_SIZE

    def differs_from(self, other: Picture) -> bool:
        """Tell whether more has changed than one character's cell."""
        if (self.width, self.height) != (other.width, other.height):
            return True
        length = self.width * _PIXEL_BYTES
        starts = range(0, len(self.pixels), length)
        rows = [at for at in starts if self.pixels[at : at + length] != other.pixels[at : at + length]]
        if not rows or rows[-1] - rows[0] >= _CELL_PIXELS * length:
            return bool(rows)
        columns = [
            at % length for start in rows for at in range(start, start + length) if self.pixels[at] != other.pixels[at]
        ]
        return max(columns) - min(columns) >= _CELL_PIXELS * _PIXEL_BYTES


def read_picture(content: bytes) -> Picture | None:
    """Read a PPM file (netpbm's P6, 8 bits a colour) as QEMU writes it; None when it is none, or not whole."""
    header = _HEADER.match(content)
    if header is None:
        return None
    width, height = int(header[1]), int(header[2])
    pixels = content[header.end() :]
    return Picture(width, height, pixels) if len(pixels) == width * height * _PIXEL_BYTES else None


def read_text(memory: bytes) -> list[str]:
    """Return the lines in the memory of VGA's text mode, without the spaces at their ends."""
    characters = memory[::2].translate(_AS_SPACES).decode("cp437")
    starts = range(0, len(characters), _COLUMNS)
    return [characters[start : start + _COLUMNS].rstrip() for start in starts]


class ScreenWatch:
    """Looks from `start` to `stop`; times are seconds since `power_on`, by the monotonic clock.

    `take_text` hands out, once, the lines that are new. `scratch` is a directory for the pictures on the way.
    """

    def __init__(self, monitor: Path, scratch: Path, power_on: float, *, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._monitor = monitor
        self._picture_file, self._text_file = scratch / "screen.ppm", scratch / "screen.text"
        self._power_on = power_on
        self._pause_seconds = pause_seconds
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._changes: list[float] = []
        self._picture: Picture | None = None
        self._lines: list[str] = []
        self._news: SimpleQueue[str] = SimpleQueue()

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and then never; returns when that has ended, so that the monitor is free for others."""
        self._is_stopped.set()
        self._thread.join(_SECONDS_TO_END)

    def take_text(self) -> str:
        """Return the lines that have come since the last call; each ends in a newline."""
        return "".join(self._news.get_nowait() for _ in range(self._news.qsize()))

    def seen_since(self, seconds: float | None) -> Fact[Screen]:
        """Return what was drawn after that time (None: it has not come); a look may be late by the pause."""
        picture = self._picture
        if picture is None:
            return NotExamined("QEMU gave no picture of the screen")
        changes = [at for at in self._changes if seconds is not None and at - self._pause_seconds > seconds]
        first, last = (changes[0], changes[-1]) if changes else (None, None)
        text = tuple(line for line in self._lines if line)[-_ROWS:] if picture.is_text_mode else ()
        return Known(Screen(picture.width, picture.height, picture.is_text_mode, first, last, text))

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._is_stopped.wait(self._pause_seconds)
            with suppress(OSError):
                self._look()

    def _look(self) -> None:
        if not ask_monitor(self._monitor, "screendump", {"filename": str(self._picture_file)}):
            return
        picture = read_picture(_read_start(self._picture_file, _LARGEST_PICTURE))
        if picture is None:
            return
        if self._picture is None or picture.differs_from(self._picture):
            self._changes.append(time.monotonic() - self._power_on)
            self._picture = picture
        if picture.is_text_mode:
            self._look_at_text()

    def _look_at_text(self) -> None:
        where: dict[str, str | int] = {"val": _TEXT_ADDRESS, "size": _TEXT_BYTES, "filename": str(self._text_file)}
        if not ask_monitor(self._monitor, "pmemsave", where):
            return
        lines = read_text(_read_start(self._text_file, _TEXT_BYTES))
        before = self._lines or [""] * len(lines)
        for line, old in zip(lines, before, strict=False):
            if line and line != old:
                self._news.put(line + " \n")  # a prompt ends in a space
        self._lines = lines


def _read_start(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)
