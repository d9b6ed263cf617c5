"""A dedicated server as the provider's API describes it, and how an installation on it goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.intent import Target


@dataclass(frozen=True, slots=True)
class DiskGroup:
    """Disks of one kind behind one controller; `disk_size_bytes` is the size of one disk."""

    group_id: int
    disk_count: Fact[int]
    disk_size_bytes: Fact[int]
    disk_type: str
    raid_controller: str


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
    """A task of the provider on a server; `function` is for instance `reinstallServer`."""

    task_id: int
    function: str
    status: TaskStatus
    comment: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server's facts before a deployment; what the API left null is not examined.

    `boot_modes` are those that the server's `bootMode` allows (`uefi-legacy`: both). `default_disk_group_id` is None
    where the API does not say; then the provider takes group 1.
    """

    name: str
    boot_modes: frozenset[BootMode]
    memory_bytes: Fact[int]
    disk_groups: tuple[DiskGroup, ...]
    default_disk_group_id: int | None
    templates: Fact[frozenset[str]]
    running_tasks: tuple[Task, ...]

    def disk_group(self, group_id: int | None) -> DiskGroup | None:
        """The group of that number; for None or 0 the one that the provider takes by default."""
        wanted = group_id or self.default_disk_group_id or 1
        return next((group for group in self.disk_groups if group.group_id == wanted), None)

    def target(self, group_id: int | None) -> Target:
        """What the checks need to know of this server when the given group is written."""
        group = self.disk_group(group_id)
        disk: Fact[int] = group.disk_size_bytes if group else NotExamined("the server has no such disk group")
        return Target(memory_bytes=self.memory_bytes, disk_bytes=disk, sector_size_bytes=Known(512))


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
