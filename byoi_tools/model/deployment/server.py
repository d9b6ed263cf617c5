"""A dedicated server as the provider's API describes it, and how an installation on it goes."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.old_deployment import OldDeployment
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.intent import Target

REINSTALL_FUNCTION = "reinstallServer"
OLD_API_FUNCTION = "bringYourOwnImage"
_NOT_ASKED = NotExamined("the API was not asked")


@dataclass(frozen=True, slots=True)
class DiskGroup:
    """Disks of one kind behind one controller; `disk_size_bytes` is the size of one disk."""

    group_id: int
    disk_count: Fact[int]
    disk_size_bytes: Fact[int]
    disk_type: str
    raid_controller: Fact[str]

    def __str__(self) -> str:
        count = str(self.disk_count.value) if isinstance(self.disk_count, Known) else "some"
        size = str(self.disk_size_bytes.value // 10**9) if isinstance(self.disk_size_bytes, Known) else "?"
        return f"{count} x {size} GB {self.disk_type}".rstrip() + f" (group {self.group_id})"


def list_disks(groups: tuple[DiskGroup, ...]) -> str:
    """All disks in words, as `2 x 480 GB NVMe (group 1), 1 x 2000 GB SATA (group 2)`; `none` without any."""
    return ", ".join(map(str, groups)) or "none"


class TaskStatus(Enum):
    """The provider's task statuses (`dedicated.TaskStatusEnum`)."""

    INIT = "init"
    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    CANCELLED = "cancelled"
    CUSTOMER_ERROR = "customerError"
    OVH_ERROR = "ovhError"

    @property
    def is_running(self) -> bool:
        """Whether the task has not ended."""
        return self in (TaskStatus.INIT, TaskStatus.TODO, TaskStatus.DOING)


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the provider on a server; `function` is for instance `reinstallServer`.

    A deployment by the API of the 2020 guides stands as one without a number: 0, and `bringYourOwnImage`.
    """

    task_id: int
    function: str
    status: TaskStatus
    comment: str

    @property
    def is_of_old_api(self) -> bool:
        """Whether it stands for a deployment by the API of the 2020 guides."""
        return self.function == OLD_API_FUNCTION

    @property
    def title(self) -> str:
        """What people call it."""
        return f"the deployment by {OLD_API_FUNCTION}" if self.is_of_old_api else f"task {self.task_id}"


def unnumbered_task(message: str) -> Task:
    """What stands for a deployment by the API of the 2020 guides that runs."""
    return Task(0, OLD_API_FUNCTION, TaskStatus.DOING, message)


@dataclass(frozen=True, slots=True)
class Server:
    """A server's facts before a deployment; what the API left null, or says in words unknown here, is not examined.

    `boot_modes` are those that the server's `bootMode` allows (`uefi-legacy`: both). `default_disk_group_id` is None
    where the API does not say; then the provider takes group 1. `templates` are the names of the operating systems
    that the provider can install on it. `architecture` is the API's word for the processors (`x86_64`), `boot_type`
    for what the server boots now (`harddisk`, `rescue`), `installed_system` for what was installed last (`none_64`:
    nothing). `address` is its IP address, empty where the API does not say.
    """

    name: str
    boot_modes: Fact[frozenset[BootMode]]
    memory_bytes: Fact[int]
    disk_groups: Fact[tuple[DiskGroup, ...]]
    default_disk_group_id: int | None
    templates: Fact[frozenset[str]]
    running_tasks: tuple[Task, ...]
    architecture: Fact[str] = _NOT_ASKED
    boot_type: Fact[str] = _NOT_ASKED
    has_rescue_key: Fact[bool] = _NOT_ASKED
    is_monitored: Fact[bool] = _NOT_ASKED
    forbids_intervention: Fact[bool] = _NOT_ASKED
    installed_system: Fact[str] = _NOT_ASKED
    address: str = ""

    @property
    def boots_legacy_only(self) -> bool:
        """Whether it is known to boot by legacy BIOS and not by UEFI."""
        return self.boot_modes == Known(frozenset({BootMode.LEGACY}))

    def disk_group(self, group_id: int | None) -> Fact[DiskGroup | None]:
        """The group of that number, None without such; for None or 0 the one that the provider takes by default."""
        if isinstance(self.disk_groups, NotExamined):
            return self.disk_groups
        wanted = group_id or self.default_disk_group_id or 1
        return Known(next((group for group in self.disk_groups.value if group.group_id == wanted), None))

    def disk_bytes(self, group_id: int | None) -> Fact[int]:
        """The size of one disk of that group, chosen as `disk_group` does."""
        group = self.disk_group(group_id)
        if isinstance(group, NotExamined):
            return group
        return group.value.disk_size_bytes if group.value else NotExamined("the server has no such disk group")

    def raid_controller(self, group_id: int | None) -> Fact[str]:
        """The controller of that group, chosen as `disk_group` does."""
        group = self.disk_group(group_id)
        if isinstance(group, NotExamined):
            return group
        return group.value.raid_controller if group.value else NotExamined("the server has no such disk group")

    def target(self, group_id: int | None) -> Target:
        """What the checks need to know of this server when the given group is written."""
        return Target(
            memory_bytes=self.memory_bytes,
            disk_bytes=self.disk_bytes(group_id),
            sector_size_bytes=Known(512),
            raid_controller=self.raid_controller(group_id),
        )


class StepStatus(Enum):
    """The statuses of an installation step (`dedicated.server.InstallationProgressStatusEnum`)."""

    TODO = "todo"
    PENDING = "pending"
    IDLE = "idle"
    DOING = "doing"
    STOPPING = "stopping"
    DONE = "done"
    ERROR = "error"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One step of an installation; `error` is empty while nothing failed."""

    comment: str
    status: StepStatus
    error: str

    @property
    def has_failed(self) -> bool:
        """Whether the step ended badly."""
        return bool(self.error) or self.status in (StepStatus.ERROR, StepStatus.EXPIRED)


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """What `install/status` answers; `elapsed_seconds` is None in the shape that lacks it."""

    elapsed_seconds: int | None
    steps: tuple[InstallStep, ...]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What happens on a server now; `progress` is None while nothing is being installed.

    `old_deployment` is the last by the API of the 2020 guides, None where there is none, or no such API.
    """

    server: str
    running_tasks: tuple[Task, ...]
    progress: InstallProgress | None
    old_deployment: OldDeployment | None = None

    @property
    def installation_task(self) -> Task | None:
        """The running reinstallation, if there is one; its task can be watched."""
        return next((task for task in self.running_tasks if task.function == REINSTALL_FUNCTION), None)

    @property
    def watched_task(self) -> Task | None:
        """What runs and can be watched: a reinstallation, or a deployment by the API of the 2020 guides."""
        if self.installation_task is None and self.old_deployment is not None and self.old_deployment.is_running:
            return unnumbered_task(self.old_deployment.message)
        return self.installation_task


@dataclass(frozen=True, slots=True)
class StepTiming:
    """A step as it was last seen, and when, in seconds since the watch began.

    `started_seconds` is when it was first seen at work or past it, `ended_seconds` when it was first seen done; each is
    late by up to one poll, and None when it was not seen at all.
    """

    step: InstallStep
    started_seconds: float | None
    ended_seconds: float | None


@dataclass(frozen=True, slots=True)
class InstallResult:
    """An installation that the provider calls done: its steps in their order, and how long it was watched."""

    server: str
    task: Task
    steps: tuple[StepTiming, ...]
    elapsed_seconds: float
