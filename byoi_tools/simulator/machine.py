"""A simulated server that is running: its tasks, its installation, and the faults it has yet to show."""

from __future__ import annotations

import threading
from collections import deque

from byoi_tools.simulator.faults import ReinstallAnswer
from byoi_tools.simulator.installation import Installation, Surroundings
from byoi_tools.simulator.refusals import ApiError, ConnectionDropped, refuse
from byoi_tools.simulator.reinstall_rules import judge_reinstall
from byoi_tools.simulator.tasks import REINSTALL, Task, TaskStatus

_FIRST_TASK_ID = 1_000_001
_SILENCE_SECONDS = 300


class Machine:
    """Answers for one server; its methods return the API's JSON values and raise `ApiError`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.server = surroundings.server
        self.surroundings = surroundings
        self._lock = threading.Lock()
        self._tasks: dict[int, Task] = {}
        self._installation: Installation | None = None
        self._status_answers: deque[int] = deque()
        self._task_answers: deque[int] = deque()
        self._list_answers: deque[int] = deque()
        self._halted = threading.Event()

    @property
    def installed_system(self) -> str:
        """Return the name of the system on the disk, as far as the provider knows."""
        tasks = self._tasks.values()
        return "byoi_64" if any(task.status is TaskStatus.DONE for task in tasks) else "none_64"

    @property
    def loader_path(self) -> str | None:
        """Return the loader that the last installation declared."""
        return self._installation.loader_path if self._installation else None

    def reinstall(self, body: object) -> dict[str, object]:
        """Accept an order and begin; the answer may be replaced by a fault, the installation goes on then."""
        with self._lock:
            order = judge_reinstall(self.server, body)
            self._refuse_when_busy()
            if not self.server.faults.reinstall_answer.has_begun:
                raise self._mistake_answer(_FIRST_TASK_ID)
            task = Task(_FIRST_TASK_ID + len(self._tasks), self.surroundings.clock())
            self._tasks[task.task_id] = task
            answer = task.as_response()
            self._status_answers = deque(self.server.faults.install_status_answers)
            self._task_answers = deque(self.server.faults.task_answers)
            self._list_answers = deque(self.server.faults.task_list_answers)
            self._installation = Installation(self.surroundings, order, task)
            self._installation.start()
        if self.server.faults.reinstall_answer is not ReinstallAnswer.TASK:
            raise self._mistake_answer(task.task_id)
        return answer

    def _mistake_answer(self, task_id: int) -> ApiError:
        """Return what is answered instead of the task; silence lasts until the simulator stops."""
        kind = self.server.faults.reinstall_answer
        if kind is ReinstallAnswer.SILENT:
            self._halted.wait(_SILENCE_SECONDS)
        if kind in (ReinstallAnswer.SERVER_ERROR, ReinstallAnswer.LOST_ERROR):
            message = f"Error while retrieving task {task_id}"
            return refuse(500, "Server::InternalServerError::TaskRetrieve", message)
        return ConnectionDropped()

    def tell_install_status(self) -> object:
        """Return the `InstallationProgressStatus` of an installation that runs, or that failed."""
        with self._lock:
            _show_fault(self._status_answers)
            installation = self._installation
        if installation is None or installation.task.status in (TaskStatus.DONE, TaskStatus.CANCELLED):
            raise ApiError(404, {"message": "Server is not being installed or reinstalled at the moment"})
        task = installation.task
        progress = [
            {"comment": step.comment, "status": step.status, "error": step.error} for step in installation.steps
        ]
        if self.server.faults.bare_progress_list:
            return progress
        elapsed = (task.ended or self.surroundings.clock()) - task.started
        return {"elapsedTime": int(elapsed), "progress": progress}

    def list_tasks(self, function: str, status: str) -> list[int]:
        """Return the ids of the tasks; an empty string filters nothing."""
        with self._lock:
            _show_fault(self._list_answers)
        return [
            task.task_id
            for task in self._known_tasks()
            if function in ("", REINSTALL) and status in ("", task.status.value)
        ]

    def tell_task(self, task_id: int) -> dict[str, object]:
        """Return the `dedicated.server.Task`."""
        with self._lock:
            _show_fault(self._task_answers)
        return self._find_task(task_id).as_task()

    def cancel_task(self, task_id: int) -> None:
        """Stop the installation behind a task."""
        task = self._find_task(task_id)
        if not task.status.is_running or self._installation is None:
            raise refuse(400, "Client::BadRequest", f"Task {task_id} cannot be cancelled")
        self._installation.halt()

    def halt(self) -> None:
        """Ask a running installation to stop."""
        self._halted.set()
        if self._installation is not None:
            self._installation.halt()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of a running installation; returns whether it came."""
        return self._installation is None or self._installation.wait(seconds)

    def _known_tasks(self) -> list[Task]:
        purged = (TaskStatus.DONE,) if self.server.faults.purge_done_tasks else ()
        return [task for task in list(self._tasks.values()) if task.status not in purged]

    def _find_task(self, task_id: int) -> Task:
        for task in self._known_tasks():
            if task.task_id == task_id:
                return task
        message = f"The requested object (taskId = {task_id}) does not exist"
        raise refuse(404, "Client::NotFound", message)

    def _refuse_when_busy(self) -> None:
        name = self.server.name
        if self.server.faults.locked:
            raise refuse(
                409,
                "Client::Conflict::DisturbAlreadyExists",
                f"Server resource {name} is already locked by another process, blocking any new OS reinstallation",
            )
        for task in self._tasks.values():
            if task.status.is_running:
                raise refuse(
                    400,
                    "Client::BadRequest::TaskAlreadyExists",
                    f"Task {task.task_id} of type {REINSTALL} with status {task.status.value} "
                    f"is already running on server {name}",
                )


def _show_fault(answers: deque[int]) -> None:
    if answers:
        status = answers.popleft()
        side = "Client::NotFound" if status == 404 else "Server::InternalServerError"
        raise refuse(status, side, "An injected fault: the API is inconsistent for a moment")
