"""Runs the programs that disks are judged and written with, under limits, and ends them on demand."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Event
from time import monotonic

from byoi_tools.errors import ToolMissing
from byoi_tools.rehearsal.refusals import HaltedError

# The partitioning programs live in sbin, which is not in the PATH of an ordinary user.
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_ENVIRONMENT = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "MTOOLSRC": os.devnull, "MTOOLS_SKIP_CHECK": "1"}
_ADDRESS_SPACE_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `returncode` is negative when it was killed, by its limits too."""

    returncode: int
    output: str


def require_programs(names: Iterable[str], *, who: str, remedy: str) -> None:
    """Raise `ToolMissing` unless all the programs are installed; `who` needs them."""
    missing = [name for name in names if find_program(name) is None]
    if missing:
        raise ToolMissing(f"{who} lacks programs", details=", ".join(missing), remedy=remedy)


def find_program(name: str) -> str | None:
    """Return the path of a program, None where it is not installed."""
    return shutil.which(name, path=_PATH)


def run(argv: Sequence[str], halt: Event, *, script: str = "", seconds: int = 60) -> Finished:
    """Run `argv` with `script` on its standard input; raises `HaltedError` when `halt` is set before its end."""
    limits = ["prlimit", f"--as={_ADDRESS_SPACE_BYTES}", f"--cpu={seconds}", "--core=0"]
    process = subprocess.Popen(  # noqa: S603 - the programs are ours, their file arguments absolute paths
        [*limits, *argv],
        env=_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return _wait(process, halt, script.encode(), monotonic() + seconds)
    finally:
        _kill(process)


def _wait(process: subprocess.Popen[bytes], halt: Event, script: bytes, deadline: float) -> Finished:
    unsent: bytes | None = script
    while monotonic() < deadline:
        if halt.is_set():
            raise HaltedError
        try:
            output, _ = process.communicate(unsent, timeout=0.1)
            return Finished(process.returncode, output.decode(errors="replace"))
        except subprocess.TimeoutExpired:
            unsent = None
    return Finished(-signal.SIGXCPU, "")


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
