"""The entry point, and the only place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import typer

from byoi_tools.cli.app import app
from byoi_tools.cli.terminal import terminal_of
from byoi_tools.errors import ByoiError, Interrupted, UsageError
from byoi_tools.model.secret import redact

_INTERRUPTED = "Nothing was left half-done; run the same command again to go on."


def run() -> None:
    """Run the command line of this process and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command line and return its exit code; never raises."""
    try:
        code = app(arguments, prog_name="byoi-tools", standalone_mode=False)
        sys.stdout.flush()
        if code == Interrupted.exit_code:
            return _show(Interrupted("interrupted", remedy=_INTERRUPTED))
        return code if isinstance(code, int) else 0
    except ByoiError as error:
        return _show(error)
    except (typer.Abort, KeyboardInterrupt):
        return _show(Interrupted("interrupted", remedy=_INTERRUPTED))
    except typer.TyperException as wrong:
        return _show_usage(wrong)
    except BrokenPipeError:
        _silence_output()
        return 0
    except Exception as defect:
        return _show_defect(defect)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(error: ByoiError) -> int:
    """Print what failed, what was seen and what to do, each on its own line."""
    terminal = terminal_of(sys.stderr)
    lines = terminal.wrap(redact(error.message), "byoi-tools: ", "  ")
    lines[0] = lines[0].replace("byoi-tools:", terminal.paint("byoi-tools:", "error"), 1)
    if error.details:
        lines += terminal.wrap(redact(error.details), "  seen: ", "    ")
    lines += terminal.wrap(redact(error.remedy), "  do:   ", "    ")
    print("\n".join(lines), file=sys.stderr)  # noqa: T201 - the error boundary
    return error.exit_code


def _show_usage(wrong: typer.TyperException) -> int:
    message = wrong.format_message() if hasattr(wrong, "format_message") else str(wrong)
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context is not None else "byoi-tools"
    return _show(UsageError(message, remedy=f"See `{command} --help`."))


def _show_defect(defect: Exception) -> int:
    if os.environ.get("BYOI_DEBUG"):
        traceback.print_exception(defect)
    last = traceback.extract_tb(defect.__traceback__)[-1]
    return _show(
        ByoiError(
            "byoi-tools itself failed",
            details=f"{type(defect).__name__}: {defect} ({last.name}, line {last.lineno})",
            remedy="Please report it, with the output under BYOI_DEBUG=1.",
        )
    )


def _silence_output() -> None:
    """Whoever read our output has gone: keep the interpreter from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
