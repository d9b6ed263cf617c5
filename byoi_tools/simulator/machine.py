"""A simulated server that is running: its tasks, its installation, and the faults it has yet to show."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime

from byoi_tools.simulator.byoi import ImageInstallation
from byoi_tools.simulator.byolinux import ByolinuxInstallation
from byoi_tools.simulator.condition import BOOTS, DISK_BOOT
from byoi_tools.simulator.faults import BootFault, ReinstallAnswer
from byoi_tools.simulator.installation import Installation, Surroundings
from byoi_tools.simulator.old_api import judge_deployment, no_deployment, tell_deployment
from byoi_tools.simulator.refusals import ApiError, ConnectionDropped, no_route, refuse
from byoi_tools.simulator.reinstall_rules import ReinstallOrder, judge_reinstall
from byoi_tools.simulator.servers import OLD_API, REINSTALL_API
from byoi_tools.simulator.tasks import DEPLOYMENT, REINSTALL, Task, TaskStatus
from byoi_tools.simulator.templates import BYOLINUX

_FIRST_TASK_ID = 1_000_001
_SILENCE_SECONDS = 300
_CHORE_SECONDS = 1
_STOP_SECONDS = 10
CONSOLE_WAYS = ("kvmipHtml5URL", "kvmipJnlp", "serialOverLanURL")


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
        self._console_ways: set[str] = set()
        self.boot_id = self.server.condition.boot_id
        self.rescue_ssh_key = self.server.condition.rescue_ssh_key or None

    @property
    def installed_system(self) -> str:
        """Return the name of the system on the disk, as far as the provider knows."""
        tasks = [task for task in self._tasks.values() if task.function == REINSTALL]
        if self._installation is not None:
            tasks.append(self._installation.task)
        is_installed = any(task.status is TaskStatus.DONE for task in tasks)
        return self._installation.order.operating_system if is_installed and self._installation else "none_64"

    @property
    def loader_path(self) -> str | None:
        """Return the loader that the last installation declared."""
        return self._installation.loader_path if self._installation else None

    def reinstall(self, body: object) -> dict[str, object]:
        """Accept an order and begin; the answer may be replaced by a fault, the installation goes on then."""
        with self._lock:
            self._require_api(REINSTALL_API)
            task = Task(_FIRST_TASK_ID + len(self._tasks), self.surroundings.clock())
            answer = task.as_response()
            self._begin(judge_reinstall(self.server, body), task)
            self._tasks[task.task_id] = task
        if self.server.faults.reinstall_answer is not ReinstallAnswer.TASK:
            raise self._mistake_answer(task.task_id)
        return answer

    def deploy_image(self, body: object) -> None:
        """Accept an order by the API of the 2020 guides and begin; its answer may be lost as that of `reinstall`."""
        with self._lock:
            self._require_api(OLD_API)
            order = judge_deployment(self.server, body)
            self._begin(order, Task(_FIRST_TASK_ID, self.surroundings.clock(), DEPLOYMENT))
        if self.server.faults.reinstall_answer is not ReinstallAnswer.TASK:
            raise self._mistake_answer(_FIRST_TASK_ID)

    def tell_deployment(self) -> dict[str, object]:
        """Return the status of the last deployment by that API."""
        with self._lock:
            self._require_api(OLD_API)
            _show_fault(self._task_answers)
            return tell_deployment(self._find_deployment())

    def delete_deployment(self) -> None:
        """Stop it, erase its status, and boot the rescue system."""
        with self._lock:
            self._require_api(OLD_API)
            deployment = self._find_deployment()
            deployment.halt()
            deployment.wait(_STOP_SECONDS)
            self._installation = None
            self.boot_id = next(boot_id for boot_id, boot_type in BOOTS.items() if boot_type == "rescue")
        self.reboot()

    def _find_deployment(self) -> Installation:
        if self._installation is None or self._installation.task.function != DEPLOYMENT:
            raise no_deployment()
        return self._installation

    def _require_api(self, name: str) -> None:
        if name not in self.server.api:
            raise no_route()

    def _begin(self, order: ReinstallOrder, task: Task) -> None:
        """Begin the installation unless the server is busy, or a fault loses the request."""
        self._refuse_when_busy()
        if not self.server.faults.reinstall_answer.has_begun:
            raise self._mistake_answer(_FIRST_TASK_ID)
        self._status_answers = deque(self.server.faults.install_status_answers)
        self._task_answers = deque(self.server.faults.task_answers)
        self._list_answers = deque(self.server.faults.task_list_answers)
        if self.surroundings.power and self.server.faults.boot is not BootFault.OLD_SYSTEM:
            self.surroundings.power.forget_disk()
        kind = ByolinuxInstallation if order.operating_system == BYOLINUX.name else ImageInstallation
        self._installation = kind(self.surroundings, order, task)
        self._installation.start()
        self.boot_id = DISK_BOOT

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
        is_over = installation is None or installation.task.status in (TaskStatus.DONE, TaskStatus.CANCELLED)
        if installation is None or is_over or installation.task.function == DEPLOYMENT:
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
            if function in ("", task.function) and status in ("", task.status.value)
        ]

    def tell_task(self, task_id: int) -> dict[str, object]:
        """Return the `dedicated.server.Task`."""
        with self._lock:
            _show_fault(self._task_answers)
        return self._find_task(task_id).as_task()

    def cancel_task(self, task_id: int) -> None:
        """Stop the installation behind a task."""
        task = self._find_task(task_id)
        if not task.status.is_running or task.function != REINSTALL or self._installation is None:
            raise refuse(400, "Client::BadRequest", f"Task {task_id} cannot be cancelled")
        self._installation.halt()

    def change(self, body: object) -> None:
        """Take the fields of a `dedicated.server.Dedicated` that may be written, and are simulated."""
        if not isinstance(body, dict) or not body.keys() <= {"bootId", "rescueSshKey"}:
            raise refuse(400, "Client::BadRequest", "Only bootId and rescueSshKey can be changed here")
        boot_id, key = body.get("bootId", self.boot_id), body.get("rescueSshKey", self.rescue_ssh_key)
        if not isinstance(boot_id, int) or boot_id not in BOOTS:
            raise refuse(404, "Client::NotFound", f"The requested object (bootId = {boot_id}) does not exist")
        if key is not None and not isinstance(key, str):
            raise refuse(400, "Client::BadRequest", "Invalid parameter rescueSshKey: a string was expected")
        self.boot_id, self.rescue_ssh_key = boot_id, key

    @property
    def address(self) -> str:
        """Return the address where it answers to SSH; one that nobody has (RFC 5737) where servers do not boot."""
        return self.surroundings.power.ssh.host if self.surroundings.power else "192.0.2.1"

    def reboot(self) -> dict[str, object]:
        """Boot from what is chosen, and return the task of that; only from its disk a server runs anything."""
        power = self.surroundings.power
        if power is not None:
            power.restart() if self.boot_id == DISK_BOOT else power.switch_off()
        return self._do_chore("hardReboot", "Reboot asked").as_task()

    def request_console(self, body: object) -> dict[str, object]:
        """Return the task that opens a console of the wanted kind."""
        wishes = body if isinstance(body, dict) else {}
        if wishes.get("type") not in CONSOLE_WAYS or wishes.get("ttl") not in (1, 3, 5, 10, 15):
            raise refuse(400, "Client::BadRequest", "Invalid parameter type or ttl")
        self._console_ways.add(str(wishes["type"]))
        return self._do_chore("requestAccessIPMI", "Request access").as_task()

    def tell_console(self, way: str) -> dict[str, object]:
        """Return the `dedicated.server.IpmiAccessValue` that was asked for."""
        if way not in self._console_ways:
            raise refuse(404, "Client::NotFound", "The requested object (access) does not exist")
        expires = datetime.fromtimestamp(self.surroundings.clock() + 900, UTC).isoformat(timespec="seconds")
        return {"expiration": expires, "value": f"https://console.simulated/{self.server.name}/{way}?session=1f2e3d"}

    def _do_chore(self, function: str, comment: str) -> Task:
        with self._lock:
            task = Task(_FIRST_TASK_ID + len(self._tasks), self.surroundings.clock(), function, comment)
            self._tasks[task.task_id] = task
        return task

    def halt(self) -> None:
        """Ask a running installation to stop, and what it has installed."""
        if self.surroundings.power is not None:
            self.surroundings.power.cut()
        self._halted.set()
        if self._installation is not None:
            self._installation.halt()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of a running installation; returns whether it came. What was installed runs on."""
        return self._installation is None or self._installation.wait(seconds)

    def _known_tasks(self) -> list[Task]:
        """Return the tasks that the API tells of; chores are done after a moment."""
        now = self.surroundings.clock()
        for task in list(self._tasks.values()):
            if task.function != REINSTALL and task.status.is_running and now >= task.started + _CHORE_SECONDS:
                task.move_to(TaskStatus.DONE, now)
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
        last = self._installation.task if self._installation else None
        is_deploying = last is not None and last.function == DEPLOYMENT and last.status.is_running
        if self.server.faults.locked or is_deploying:
            raise refuse(
                409,
                "Client::Conflict::DisturbAlreadyExists",
                f"Server resource {name} is already locked by another process, blocking any new OS reinstallation",
            )
        for task in self._tasks.values():
            if task.status.is_running and task.function == REINSTALL:
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
