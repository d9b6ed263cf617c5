"""The file of a plan: written once, for its owner alone, and read with care."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.errors import StorageError, UsageError

if TYPE_CHECKING:
    from byoi_tools.model.deployment.deed import Deed
    from byoi_tools.model.deployment.plan import Plan

_LARGEST_BYTES = 2**20


def require_new_plan(path: Path) -> None:
    """Raise `UsageError` when the file is there already, or its directory is not: before anything takes long."""
    if os.path.lexists(path):
        raise UsageError(f"{path} exists already", remedy="Remove it, or name another file with -o.")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise UsageError(f"no file can be written in {path.absolute().parent}", remedy="Name another with -o.")


def conclude_plan(made: tuple[Plan, Deed] | None, path: Path) -> int:
    """Write the plan that was made, if one was, and show what it says; returns the exit code."""
    from byoi_tools.reports.deed import render_deed

    if made is None:
        return 1
    plan, deed = made
    _write_plan(path, plan)
    write_result(render_deed(deed, terminal_of(sys.stdout)))
    write_result(f"Nothing was erased. {path} is valid until {plan.valid_until.isoformat(timespec='minutes')}.\n")
    return 0


def _write_plan(path: Path, plan: Plan) -> None:
    """Write the plan into a new file, mode 0600; raises `StorageError`, and leaves no half of a plan."""
    from byoi_tools.reports.plan_v1 import render_plan_json

    content = render_plan_json(plan).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                path.unlink()
            raise
    except OSError as failure:
        raise StorageError(
            f"the plan {path} cannot be written",
            details=str(failure),
            remedy="Name another file with -o; what was published is there, and is not uploaded again.",
        ) from failure


def read_plan_file(path: Path) -> Plan:
    """Return the plan in the file; raises `UsageError` when there is none, or it is not what `plan` writes."""
    from byoi_tools.reports.plan_v1 import read_plan

    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as failure:
        raise UsageError(
            f"the plan {path} cannot be read", details=str(failure), remedy="Name the file that `plan` wrote."
        ) from failure
    if len(content) > _LARGEST_BYTES:
        raise UsageError(f"{path} is larger than 1 MiB", remedy="Name the file that `plan` wrote.")
    return read_plan(content)
