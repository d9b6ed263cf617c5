"""Shows how a fleet fares on standard error: a table that is drawn again on a TTY, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import TextIO

from byoi_tools.cli.terminal import size_of, terminal_of
from byoi_tools.model.deployment.fleet import FleetObserver, Standing
from byoi_tools.reports.rollout import draw_fleet
from byoi_tools.reports.terminal import printable

_LONG_LOOK = 20


class FleetTable(FleetObserver):
    """An observer for people; any thread may tell it something."""

    def __init__(self, servers: Sequence[str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_drawn_again = self._stream.isatty()
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[Standing, str]] = dict.fromkeys(servers, (Standing.WAITING, ""))
        self._drawn_lines = 0
        self._is_open = False

    def servers_looked_at(self, done: int, total: int) -> None:
        """Draw one line again and again, until all were; elsewhere write one at the start and a few for a long look."""
        with self._lock:
            if self._is_drawn_again:
                self._clear()
                if done < total:
                    self._draw_line(f"looked at {done} of {total} servers; nothing is sent yet")
            elif done == 0:
                self._write(f"looking at {total} servers before anything is sent")
            elif total >= _LONG_LOOK and done < total and done * 4 // total > (done - 1) * 4 // total:
                self._write(f"looked at {done} of {total} servers")

    def rollout_begun(self) -> None:
        """Show the table from now on."""
        with self._lock:
            self._is_open = self._is_drawn_again
            self._draw()

    def close(self) -> None:
        """Take the table away, where there is one: the result has all of it."""
        with self._lock:
            self._clear()
            self._is_open = False

    def server_moved(self, server: str, standing: Standing, note: str) -> None:
        """Draw the table anew, or write a line."""
        with self._lock:
            if self._rows.get(server) == (standing, note):
                return
            self._rows[server] = (standing, note)
            if self._is_open:
                self._clear()
                self._draw()
            else:
                self._write(f"{server}: {standing.value}{f': {note}' if note else ''}")

    def noted(self, message: str) -> None:
        """Show a line, above the table."""
        with self._lock:
            self._clear()
            self._write(message)
            self._draw()

    def warned(self, message: str) -> None:
        """Show a line that stands out, above the table."""
        with self._lock:
            self._clear()
            label = terminal_of(self._stream).paint("warning:", "warning")
            self._stream.write(f"{label} {printable(message)}\n")
            self._draw()
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(printable(text) + "\n")
        self._stream.flush()

    def _draw(self) -> None:
        if not self._is_open:
            return
        terminal = terminal_of(self._stream)
        height = max(size_of(self._stream).lines - 1, 2)
        rows = [(server, standing, note) for server, (standing, note) in self._rows.items()]
        lines = draw_fleet(rows, terminal, height)
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()
        self._drawn_lines = len(lines)

    def _draw_line(self, text: str) -> None:
        self._stream.write(f"{text[: max(size_of(self._stream).columns - 1, 1)]}\n")
        self._stream.flush()
        self._drawn_lines = 1

    def _clear(self) -> None:
        if self._drawn_lines:
            self._stream.write(f"\033[{self._drawn_lines}F\033[J")
            self._drawn_lines = 0
