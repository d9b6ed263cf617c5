"""What the streams of this process can show, and the two ways to write to them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from byoi_tools.errors import StorageError
from byoi_tools.reports.terminal import Terminal


def terminal_of(stream: TextIO) -> Terminal:
    """Return the width and colours of a stream: 80 columns in a pipe, colours on a TTY unless NO_COLOR is set."""
    is_tty = stream.isatty()
    is_dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    width = size_of(stream).columns if is_tty or "COLUMNS" in os.environ else 80
    return Terminal(width=width, is_coloured=is_tty and not is_dumb)


def size_of(stream: TextIO) -> os.terminal_size:
    """Return columns and lines of the terminal that a stream leads to, even where another stream is a pipe.

    COLUMNS and LINES win, as everywhere; 80 and 24 where there is no terminal.
    """
    try:
        own = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        own = os.terminal_size((80, 24))
    known = shutil.get_terminal_size((0, 0))
    columns = known.columns if os.environ.get("COLUMNS") else own.columns
    lines = known.lines if os.environ.get("LINES") else own.lines
    return os.terminal_size((columns or 80, lines or 24))


def write_result(text: str) -> None:
    """Write a result, complete with its newline, to standard output; raises `StorageError` where it has no room."""
    try:
        sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    except BrokenPipeError:
        raise
    except OSError as failure:
        raise no_room(failure) from failure


def no_room(failure: OSError) -> StorageError:
    """The error for a standard output that takes nothing more."""
    return StorageError("the output cannot be written", details=str(failure), remedy="Make room where it goes.")


def write_note(text: str) -> None:
    """Write a line for people to standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
