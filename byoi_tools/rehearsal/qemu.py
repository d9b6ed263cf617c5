"""Runs QEMU: its output as it comes, its end whatever happens, and a picture of its screen."""

from __future__ import annotations

import codecs
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from byoi_tools.errors import ToolMissing

PROGRAM = "qemu-system-x86_64"

# A machine outlives nobody: the kernel ends it with the thread that started it, also one that is killed.
_TIED_TO_US = ("setpriv", "--pdeathsig", "KILL")

_POLL_SECONDS = 1.0
_SECONDS_TO_END = 10
_SECONDS_TO_ANSWER = 20
_LONGEST_ANSWER = 1 << 20


@contextmanager
def running(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of which standard output and error are read together; it is gone when the context ends.

    It ends with the thread that calls, too, however that ends. Raises `ToolMissing` when it is not installed.
    """
    for name in (argv[0], _TIED_TO_US[0]):
        _require(name)
    process = subprocess.Popen(  # noqa: S603 - QEMU, with arguments of our own
        [*_TIED_TO_US, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def output_of(process: subprocess.Popen[bytes], seconds: float) -> Iterator[str]:
    """Yield what the process writes as it comes, an empty string when nothing came for a second.

    Ends when the process closes its output, or after so many seconds.
    """
    assert process.stdout is not None  # noqa: S101 - `running` has asked for it
    deadline = time.monotonic() + seconds
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(_POLL_SECONDS):
                yield ""
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return
            yield decoder.decode(chunk)


def take_screenshot(monitor: Path, picture: Path) -> bool:
    """Write what the machine's screen shows as PNG; returns whether QEMU could (QMP, `screendump`)."""
    return ask_monitor(monitor, "screendump", {"filename": str(picture.absolute()), "format": "png"})


def ask_monitor(monitor: Path, command: str, arguments: Mapping[str, str | int]) -> bool:
    """Have the machine's monitor carry out a QMP command; returns whether it did.

    The monitor speaks with one caller at a time: the others wait.
    """
    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS_TO_ANSWER)
        connection.connect(str(monitor))
        with connection.makefile("rwb") as stream:
            stream.readline(_LONGEST_ANSWER)  # the greeting
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": dict(arguments)}):
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                if not _is_accepted(stream.readline(_LONGEST_ANSWER)):
                    return False
            return True
    return False


def require_program() -> None:
    """Raise `ToolMissing` unless QEMU is installed."""
    _require(PROGRAM)


def _require(program: str) -> None:
    if shutil.which(program) is None:
        package = "util-linux" if program == _TIED_TO_US[0] else "qemu-system-x86 ovmf"
        raise ToolMissing(f"{program} is not installed", remedy=f"Debian: apt-get install {package}")


def _is_accepted(line: bytes) -> bool:
    answer = json.loads(line)
    return isinstance(answer, dict) and "return" in answer


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_END)
            break
    if process.stdout is not None:
        process.stdout.close()
