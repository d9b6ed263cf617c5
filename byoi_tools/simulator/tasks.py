"""The tasks of one server, as `/dedicated/server/{serviceName}/task` tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

REINSTALL = "reinstallServer"
DEPLOYMENT = "bringYourOwnImage"  # of the 2020 guides: never listed as a task


class TaskStatus(StrEnum):
    """How far a task is (`dedicated.TaskStatusEnum`)."""

    INIT = "init"
    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    CANCELLED = "cancelled"
    CUSTOMER_ERROR = "customerError"
    OVH_ERROR = "ovhError"

    @property
    def is_running(self) -> bool:
        """Tell whether the task has not ended."""
        return self in (TaskStatus.INIT, TaskStatus.TODO, TaskStatus.DOING)


@dataclass(slots=True)
class Task:
    """One task, of any function of `dedicated.TaskFunctionEnum`; its dates are seconds since the epoch."""

    task_id: int
    started: float
    function: str = REINSTALL
    comment: str = "Start bare metal OS installation"
    status: TaskStatus = TaskStatus.INIT
    updated: float | None = None
    ended: float | None = None

    def move_to(self, status: TaskStatus, now: float) -> None:
        """Change the status, and the dates with it."""
        self.updated = now
        if not status.is_running:
            self.ended = now
        self.status = status

    def as_response(self) -> dict[str, object]:
        """Return the `dedicated.server.task.Response` that answers `POST reinstall`."""
        return {
            "taskId": self.task_id,
            "function": self.function,
            "status": self.status.value,
            "comment": self.comment,
            "startDate": _date(self.started),
            "doneDate": _date(self.ended),
        }

    def as_task(self) -> dict[str, object]:
        """Return the `dedicated.server.Task`."""
        return self.as_response() | {
            "lastUpdate": _date(self.updated),
            "needSchedule": False,
            "note": None,
            "plannedInterventionId": None,
            "tags": None,
            "ticketReference": None,
        }


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
