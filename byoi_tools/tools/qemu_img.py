"""The door to `qemu-img`: always told the format, always under limits, never given a name that an image contains."""

from __future__ import annotations

import json
import re
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.errors import IntegrityError, ToolFailed, ToolMissing
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.secret import redact

if TYPE_CHECKING:
    import sh

_ADDRESS_SPACE_BYTES = 8 * 2**30
_QUERY_SECONDS = 60
_KILLED_SECONDS = 10
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROGRESS = re.compile(r"\((\d+\.\d+)/100%\)")
_VERSION = re.compile(r"qemu-img version ([0-9][0-9A-Za-z.+~-]{0,39})")
_REMEDY = "Look at what qemu-img said; `qemu-img check` on the image may say more."


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a run may take: CPU seconds are limited to four times as much, for its threads."""

    seconds: int


def convert(arguments: tuple[str, ...], limits: Limits, on_percent: Callable[[float], None]) -> None:
    """Run `qemu-img convert -p ARGUMENTS`; `on_percent` is told how far it is.

    Raises `ToolMissing`, or `ToolFailed` with what qemu-img said. Ends the program when interrupted; what it wrote is
    left for the caller to remove.
    """

    line = ""

    def read_progress(character: str) -> None:
        nonlocal line
        line = "" if character == "\r" else line + character
        if found := _PROGRESS.search(line):
            line = ""
            on_percent(float(found.group(1)))

    _run(("convert", "-p", *arguments), limits, read_progress)


def compare(first: Path, first_format: str, second: Path, second_format: str, limits: Limits) -> None:
    """Return when both images hold the same guest-visible content; raises `IntegrityError` when they differ."""
    arguments = ("compare", "-f", first_format, "-F", second_format, _name(first), _name(second))
    output: list[str] = []
    try:
        _run(arguments, limits, output.append)
    except ToolFailed as failed:
        if failed.details and failed.details.startswith("exit 1:"):
            raise IntegrityError(
                "the converted image does not have the content of its source",
                details="".join(output).strip() or failed.details,
                remedy="Do not use it. Try again; if it happens twice, test the disk and memory of this machine.",
            ) from failed
        raise


def measure(path: Path, source_format: str, target_format: str) -> int:
    """Return an upper bound in bytes of what the image needs when written in the target format, uncompressed."""
    answer = _query(("measure", "--output=json", "-f", source_format, "-O", target_format, _name(path)))
    required = answer.get("required")
    if not isinstance(required, int):
        raise ToolFailed("qemu-img measure gave no size", details=str(answer)[:200], remedy=_REMEDY)
    return required


def virtual_size(path: Path, image_format: str) -> int:
    """Return the size in bytes of the virtual disk; for formats that the program itself does not read."""
    answer = _query(("info", "--output=json", "-f", image_format, _name(path)))
    size = answer.get("virtual-size")
    if not isinstance(size, int):
        raise ToolFailed("qemu-img info gave no virtual size", details=str(answer)[:200], remedy=_REMEDY)
    return size


def version() -> str:
    """Return the version of the program that would run: 7.2.22; `unknown` when it does not say one."""
    output: list[str] = []
    _run(("--version",), Limits(_QUERY_SECONDS), output.append)
    found = _VERSION.match("".join(output))
    return found[1] if found else "unknown"


def _query(arguments: tuple[str, ...]) -> dict[str, object]:
    output: list[str] = []
    _run(arguments, Limits(_QUERY_SECONDS), output.append)
    try:
        answer = json.loads("".join(output))
    except ValueError as failure:
        raise ToolFailed("qemu-img did not answer in JSON", details=str(failure), remedy=_REMEDY) from failure
    return answer if isinstance(answer, dict) else {}


def _name(path: Path) -> str:
    """An absolute name: qemu-img reads `json:...` and `nbd:...` at the start of a relative one as a protocol."""
    return str(path.absolute())


def _run(arguments: tuple[str, ...], limits: Limits, on_output: Callable[[str], None]) -> None:
    import sh  # a slow import, and only needed here

    process: sh.RunningCommand | None = None
    try:
        with _signals_held():  # or one could come when the program runs and nobody knows of it
            process = sh.Command("qemu-img")(
                *arguments,
                _bg=True,
                _bg_exc=False,
                _out=on_output,
                _out_bufsize=0,  # a character at a time: progress has no line ends
                _timeout=limits.seconds,
                _preexec_fn=lambda: _limit(limits),
                _env=_environment(),
            )
        process.wait()
    except sh.CommandNotFound as missing:
        raise ToolMissing(
            "qemu-img is not installed", remedy="Install it: apt-get install qemu-utils (or qemu-img)."
        ) from missing
    except sh.TimeoutException as late:
        raise ToolFailed(
            f"qemu-img {arguments[0]} took more than {limits.seconds} s and was ended", remedy=_REMEDY
        ) from late
    except sh.ErrorReturnCode as failed:
        said = failed.stderr.decode(errors="replace").strip()
        raise ToolFailed(
            f"qemu-img {arguments[0]} failed", details=f"exit {failed.exit_code}: {redact(said)[:500]}", remedy=_REMEDY
        ) from failed
    except BaseException:
        if process is not None:
            _end(process)
        raise


@contextmanager
def _signals_held() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: sh.RunningCommand) -> None:
    """Kill the program and return when it is gone."""
    import sh

    with suppress(ProcessLookupError):
        process.kill()
    with suppress(sh.ErrorReturnCode, sh.TimeoutException):
        process.wait(timeout=_KILLED_SECONDS)


def _limit(limits: Limits) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (4 * limits.seconds, 4 * limits.seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _environment() -> dict[str, str]:
    import os

    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
