"""How an installation went, or how it goes."""

from __future__ import annotations

from byoi_tools.model.deployment.server import InstallResult, InstallStep, ServerStatus
from byoi_tools.reports.terminal import printable


def render_installation(result: InstallResult) -> str:
    """Return the steps with their seconds, and the end."""
    rows = []
    for timing in result.steps:
        began, ended = timing.started_seconds, timing.ended_seconds
        seconds = "" if began is None or ended is None else f"{ended - began:.0f} s"
        rows.append(f"{seconds:>8}  {_describe(timing.step)}\n")
    end = f"{result.server} is installed: {result.task.title}, {result.elapsed_seconds:.0f} s\n"
    return "".join(rows) + printable(end.rstrip("\n")) + "\n"


def render_status(found: ServerStatus) -> str:
    """Return the running tasks and the steps of the installation."""
    lines = [
        f"task {task.task_id}  {task.function}  {task.status.value}  {task.comment}" for task in found.running_tasks
    ]
    if not lines:
        lines.append(f"no task is running on {found.server}")
    if found.progress is None:
        lines.append("no installation is running")
    else:
        lines += [f"{step.status.value:>8}  {_describe(step)}" for step in found.progress.steps]
    old = found.old_deployment
    if old is not None:
        lines.append(f"bringYourOwnImage is {old.state.value}: {old.message}, image {old.checksum[:16] or 'unknown'}")
    return "".join(printable(line) + "\n" for line in lines)


def _describe(step: InstallStep) -> str:
    return printable(f"{step.comment}: {step.error}" if step.error else step.comment)
