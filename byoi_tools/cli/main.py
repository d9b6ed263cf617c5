"""The entry point, and the only place where an error becomes a message and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

import typer

from byoi_tools.cli.app import app_for
from byoi_tools.cli.failure import show_error
from byoi_tools.cli.terminal import no_room
from byoi_tools.errors import ByoiError, Interrupted, UsageError

_INTERRUPTED = "Nothing was left half-done; run the same command again to go on."


def run() -> None:
    """Run the command line of this process and end it with its code.

    It ends at once: whatever has to be tidied up was, and taking down the interpreter would cost a tenth of a check.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which nohup asks for
        signal.signal(signal.SIGHUP, _interrupt)
    _open_closed_streams()
    gc.set_threshold(20_000)  # imports and facts make many objects and few cycles: a seldom search saves 1 part in 40
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _open_closed_streams() -> None:
    """Put /dev/null where the caller has closed a standard stream: the next file opened would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for the process's life


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code; never raises."""
    try:
        code = _run(arguments)
    except OSError:  # the terminal was closed: the message cannot be written
        return _end_unheard()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return code or _end_unheard()
    except OSError as failure:
        return code or show_error(no_room(failure))
    return code


def _run(arguments: list[str]) -> int:
    try:
        code = app_for(arguments)(arguments, prog_name="byoi-tools", standalone_mode=False)
        if code == Interrupted.exit_code:
            return show_error(Interrupted("interrupted", remedy=_INTERRUPTED))
        return code if isinstance(code, int) else 0
    except ByoiError as error:
        return show_error(error)
    except (typer.Abort, KeyboardInterrupt):
        return show_error(Interrupted("interrupted", remedy=_INTERRUPTED))
    except typer.TyperException as wrong:
        return _show_usage(wrong)
    except (BrokenPipeError, SystemExit):  # typer makes exit 1 of a broken pipe, which would be a bad verdict
        return _end_unheard()
    except Exception as defect:
        return _show_defect(defect)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show_usage(wrong: typer.TyperException) -> int:
    message = wrong.format_message() if hasattr(wrong, "format_message") else str(wrong)
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context is not None else "byoi-tools"
    return show_error(UsageError(message, remedy=f"See `{command} --help`."))


def _show_defect(defect: Exception) -> int:
    import traceback

    if os.environ.get("BYOI_DEBUG"):
        traceback.print_exception(defect)
    last = traceback.extract_tb(defect.__traceback__)[-1]
    return show_error(
        ByoiError(
            "byoi-tools itself failed",
            details=f"{type(defect).__name__}: {defect} ({last.name}, line {last.lineno})",
            remedy="Please report it, with the output under BYOI_DEBUG=1.",
        )
    )


def _end_unheard() -> int:
    """Whoever read our output has gone before its end, so nobody is told; what was going on was left there."""
    return Interrupted.exit_code
