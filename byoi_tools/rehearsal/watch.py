"""Starts the machine and watches it until the goal is reached, nothing can come any more, or the time is up."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from byoi_tools.errors import ToolFailed, UsageError
from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.observer import Observer
from byoi_tools.model.rehearsal import NOT_STARTED, Milestone, RehearsalOrder, Screen, Sighting
from byoi_tools.rehearsal.kept_console import KeptConsole
from byoi_tools.rehearsal.login import Login
from byoi_tools.rehearsal.machine import Machine, machine_argv
from byoi_tools.rehearsal.milestones import Console
from byoi_tools.rehearsal.qemu import output_of, running, take_screenshot
from byoi_tools.rehearsal.screen import ScreenWatch

CONSOLE_FILE = "console.txt"
SCREENSHOT_FILE = "screen.png"

_LARGEST_FIRMWARE_LOG = 4 << 20
# What is still worth waiting for once the end is known: fingerprints, the fallback, the text before a prompt.
_SECONDS_AFTER_THE_END = 5.0
_SECONDS_TO_FALL_BACK = 30.0
_SECONDS_TO_END = 1.0
# Who shows a login prompt has booted: SSH comes within the time that the boot took, or not at all.
_LEAST_SECONDS_FOR_SSH = 60.0


@dataclass(slots=True)
class Watched:
    """What was seen: the console and the screen, for how many seconds, and why it ended."""

    console: Console = field(default_factory=Console)
    seconds: float = 0.0
    ending: str = ""
    screen: Fact[Screen] = NOT_STARTED

    @property
    def is_silent(self) -> bool:
        """Tell whether the system could not be read: nothing on the serial line, and graphics on the screen."""
        is_unread = isinstance(self.screen, Known) and not self.screen.value.is_text_mode
        return self.console.is_silent and is_unread


def watch(
    watched: Watched,
    machine: Machine,
    accelerator: tuple[str, ...],
    order: RehearsalOrder,
    login: Login | None,
    observer: Observer,
) -> None:
    """Run the machine to its end and fill `watched`; QEMU is gone afterwards. Raises `ToolError` or `UsageError`."""
    console = watched.console
    with ExitStack() as stack:
        kept = _keep_console(order.keep, stack)
        log = stack.enter_context(machine.firmware_log.open("rb"))
        start = time.monotonic()
        process = stack.enter_context(running(machine_argv(machine, accelerator)))
        screen = ScreenWatch(machine.monitor, machine.monitor.parent, start)
        screen.start()
        stack.callback(screen.stop)
        if login is not None:
            stack.callback(login.stop)
            login.start()
        told, ended_at = 0, None
        for text in output_of(process, order.timeout_seconds):
            watched.seconds = time.monotonic() - start
            kept(text)
            # What the firmware wrote to its log came before what the loader writes.
            console.add(_read_more(log), watched.seconds, "firmware")
            console.add(text, watched.seconds)
            console.add(screen.take_text(), watched.seconds, "screen")
            _note_login(console, login, start)
            told = _tell(console.sightings, told, observer)
            watched.ending = watched.ending or _find_ending(console, login, watched.seconds)
            if watched.ending and ended_at is None:
                ended_at = watched.seconds
            if ended_at is not None and watched.seconds - ended_at >= _seconds_after_the_end(console):
                break
        else:
            watched.ending = watched.ending or _ending_of(process, order, console)
        watched.ending += console.fallback
        screen.stop()
        watched.screen = screen.seen_since(_seconds_of(Milestone.LOADER, console))
        if login is None and watched.is_silent:
            watched.ending += ", and the console is silent"
        if order.keep is not None and process.poll() is None:
            take_screenshot(machine.monitor, order.keep / SCREENSHOT_FILE)


def _seconds_after_the_end(console: Console) -> float:
    return _SECONDS_TO_FALL_BACK if console.may_fall_back else _SECONDS_AFTER_THE_END


def _find_ending(console: Console, login: Login | None, seconds: float) -> str:
    """Why there is nothing to wait for any more; empty while there is."""
    if login is None and console.has_seen(Milestone.LOGIN):
        return "the login prompt is there"
    if login is not None and login.has_succeeded:
        return "SSH let us in" if login.answer else "an SSH server answers"
    if console.dead_end is not None:
        return console.dead_end
    if login is not None and console.has_no_datasource:
        return "cloud-init found no config drive"
    prompt = _seconds_of(Milestone.LOGIN, console)
    if login is None or prompt is None or login.let_in_at is not None:
        return ""
    is_late = seconds > prompt + max(prompt, _LEAST_SECONDS_FOR_SSH)
    return f"the system has booted, and {login.trouble}" if is_late else ""


def _seconds_of(milestone: Milestone, console: Console) -> float | None:
    return next((one.seconds for one in console.sightings if one.milestone is milestone), None)


def _ending_of(process: subprocess.Popen[bytes], order: RehearsalOrder, console: Console) -> str:
    try:
        code = process.wait(_SECONDS_TO_END)  # who has closed its output ends at once
    except subprocess.TimeoutExpired:
        return f"the time is up ({order.timeout_seconds:.0f} s)"
    if not console.has_seen(Milestone.FIRMWARE):
        raise ToolFailed(
            "QEMU did not start the machine",
            details="\n".join(console.last_lines(5))[-1000:] or f"exit {code}",
            remedy="Read what QEMU said; less --memory may help.",
        )
    return "the machine was switched off"


def _note_login(console: Console, login: Login | None, start: float) -> None:
    if login is not None and login.has_succeeded and login.let_in_at is not None:
        line = f"as {login.answer.user}" if login.answer else "the key was not tried"
        console.note(Sighting(Milestone.SSH, login.let_in_at - start, line))


def _tell(sightings: tuple[Sighting, ...], told: int, observer: Observer) -> int:
    for sighting in sightings[told:]:
        observer.noted(f"{sighting.seconds:7.1f} s  {sighting.milestone.value}")
    return len(sightings)


def _read_more(log: BinaryIO) -> str:
    """What is new in the firmware's log, up to a limit: a guest may write there for ever, which must not fill the disk.

    QEMU goes on behind what is cut off, and leaves a hole.
    """
    if log.tell() >= _LARGEST_FIRMWARE_LOG:
        Path(log.name).open("wb").close()
        return ""
    room = max(_LARGEST_FIRMWARE_LOG - log.tell(), 0)
    return log.read(room).decode("utf-8", "replace")


def _forget(text: str) -> None:
    """Keep nothing."""


def _keep_console(directory: Path | None, stack: ExitStack) -> Callable[[str], None]:
    if directory is None:
        return _forget
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / SCREENSHOT_FILE).unlink(missing_ok=True)
        return KeptConsole(stack.enter_context((directory / CONSOLE_FILE).open("wb")))
    except OSError as failure:
        raise UsageError(
            f"the console cannot be kept in {directory}",
            details=str(failure),
            remedy="Name a directory that you may write with --keep.",
        ) from failure
