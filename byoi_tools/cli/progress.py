"""Shows progress on standard error: one line that is drawn again on a TTY, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

from byoi_tools.cli.terminal import terminal_of
from byoi_tools.model.deployment.server import InstallStep, StepStatus, Task
from byoi_tools.model.observer import Observer
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.terminal import printable

_REDRAW_SECONDS = 0.1
_PLAIN_LINE_SECONDS = 10.0


class Progress(Observer):
    """An observer for people. Works started at the same time share the one line: the latest to move is shown."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = terminal_of(self._stream)
        self._is_tty = self._stream.isatty()
        self._lock = threading.Lock()
        self._started: dict[str, tuple[float, int | None]] = {}
        self._done: dict[str, int] = {}
        self._drawn_at = 0.0
        self._is_line_open = False

    def work_started(self, work: str, total_bytes: int | None) -> None:
        """Remember when it began; a line says so where nothing can be redrawn."""
        with self._lock:
            self._started[work] = (time.monotonic(), total_bytes)
            self._done[work] = 0
            self._drawn_at = time.monotonic() if not self._is_tty else 0.0
            size = f" ({human_size(total_bytes)})" if total_bytes else ""
            if self._is_tty:
                self._draw(f"{work}{size}")
            else:
                self._write(f"{work}{size} ...")

    def work_advanced(self, work: str, done_bytes: int) -> None:
        """Draw bytes, rate and what remains, as often as the stream bears."""
        with self._lock:
            self._done[work] = done_bytes
            pause = _REDRAW_SECONDS if self._is_tty else _PLAIN_LINE_SECONDS
            if time.monotonic() - self._drawn_at < pause or work not in self._started:
                return
            self._drawn_at = time.monotonic()
            text = self._describe(work)
            if self._is_tty:
                self._draw(text)
            else:
                self._write(text)

    def work_finished(self, work: str) -> None:
        """Replace the moving line by one that stays, with the time and the rate."""
        with self._lock:
            began, total = self._started.pop(work, (time.monotonic(), None))
            seconds = max(time.monotonic() - began, 1e-6)
            self._done.pop(work, None)
            rate = f", {human_size(int(total / seconds))}/s" if total else ""
            self._write(f"{work} done in {seconds:.1f} s{rate}")

    def noted(self, message: str) -> None:
        """Show a line."""
        with self._lock:
            self._write(message)

    def warned(self, message: str) -> None:
        """Show a line that stands out."""
        with self._lock:
            self._write(f"{self._terminal.paint('warning:', 'warning')} {printable(message)}", is_safe=True)

    def step_changed(self, step: InstallStep) -> None:
        """Show the step: what it does, and how it stands."""
        with self._lock:
            style = {StepStatus.DONE: "good", StepStatus.ERROR: "bad"}.get(step.status, "faint")
            error = f": {printable(step.error)}" if step.error else ""
            mark = self._terminal.paint(f"{step.status.value:>7}", style)
            self._write(f"  {mark}  {printable(step.comment)}{error}", is_safe=True)

    def task_changed(self, task: Task) -> None:
        """Show the task and its status."""
        with self._lock:
            self._write(f"task {task.task_id} ({task.function}): {task.status.value}")

    def close(self) -> None:
        """Leave the cursor on an empty line."""
        with self._lock:
            self._clear()

    def _describe(self, work: str) -> str:
        began, total = self._started[work]
        done = self._done[work]
        seconds = max(time.monotonic() - began, 1e-6)
        rate = done / seconds
        if not total:
            return f"{work} {human_size(done)}, {human_size(int(rate))}/s"
        remaining = f", {_duration((total - done) / rate)} left" if rate > 0 else ""
        percent = 100 * done // total
        return f"{work} {human_size(done)} of {human_size(total)}, {percent} %, {human_size(int(rate))}/s{remaining}"

    def _draw(self, text: str) -> None:
        self._stream.write("\r\033[K" + printable(text)[: max(self._terminal.width - 1, 10)])
        self._stream.flush()
        self._is_line_open = True

    def _write(self, text: str, *, is_safe: bool = False) -> None:
        self._clear()
        self._stream.write((text if is_safe else printable(text)) + "\n")
        self._stream.flush()

    def _clear(self) -> None:
        if self._is_line_open:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._is_line_open = False


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
