"""One run of an installation: its steps one after the other, in a thread, each visible in `install/status`."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from byoi_tools.rehearsal.disk import erase
from byoi_tools.rehearsal.refusals import HaltedError, InstallationError
from byoi_tools.simulator.boot import BootOutcome
from byoi_tools.simulator.failures import FAILURES
from byoi_tools.simulator.image_download import download, hash_file
from byoi_tools.simulator.power import Power
from byoi_tools.simulator.reinstall_rules import ReinstallOrder
from byoi_tools.simulator.servers import SimulatedServer
from byoi_tools.simulator.tasks import Task, TaskStatus

Work = Callable[[], None]

# The image must leave this much of the server's memory free (OVH's guide).
RESERVED_MEMORY_BYTES = 3 * 2**30


def rest() -> None:
    """Do what needs no work in a simulation."""


@dataclass(slots=True)
class Step:
    """One step as `install/status` shows it, and how long it took."""

    comment: str
    status: str = "todo"
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an installation has around it: its server and folder, seconds added to each step, clock and log.

    `power` runs what was installed; None where servers do not boot.
    """

    server: SimulatedServer
    directory: Path
    pace_seconds: float
    clock: Callable[[], float]
    log: Callable[[str], None]
    power: Power | None = None

    def disk_file(self, disk_group_id: int, number: int = 1) -> Path:
        """Return where the content of a disk is, once something was installed on it; numbers start at 1."""
        return self.directory / f"group{disk_group_id}-disk{number}.raw"

    @property
    def state_file(self) -> Path:
        """Return where the outcome of the last installation is told as JSON."""
        return self.directory / "state.json"


class Installation(ABC):
    """Carries out one order; `task` and `steps` tell how far it is, `state.json` how it ended.

    `disk` is the file of the disk that is written. `boot` is what the firmware found on it, None before, and where
    nothing is booted. `halted` is set when it shall stop; whatever takes time looks at it.
    """

    def __init__(self, surroundings: Surroundings, order: ReinstallOrder, task: Task) -> None:
        self.around = surroundings
        self._server = surroundings.server
        self.order = order
        self.image_file = surroundings.directory / "image.download"
        self.iso_file = surroundings.directory / "config-drive.iso"
        self.disk = surroundings.disk_file(order.disk_group.disk_group_id)
        self.boot: BootOutcome | None = None
        self.halted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"install {self._server.name}", daemon=True)
        self.task = task
        self.steps = [Step(comment) for comment, _ in self.plan()]

    @property
    def loader_path(self) -> str:
        """Return the loader that the order declares."""
        return self.order.efi_bootloader_path

    @abstractmethod
    def plan(self) -> tuple[tuple[str, Work], ...]:
        """Return the steps, each with what is done in it."""

    @abstractmethod
    def power_on(self) -> None:
        """Start what was installed, where that can be done."""

    def describe(self) -> dict[str, object]:
        """Return what `state.json` tells of this product beside the rest."""
        return {}

    @property
    def checksum(self) -> str:
        """Return the checksum that the order tells of the image."""
        return self.order.checksum

    @property
    def server_name(self) -> str:
        """Return the name of the server."""
        return self._server.name

    def start(self) -> None:
        """Begin; returns at once, and on instant metal when all is over."""
        if self._server.instant:
            self.task.move_to(TaskStatus.DONE, self.around.clock())
            return
        self.task.move_to(TaskStatus.TODO, self.around.clock())
        self._thread.start()

    def halt(self) -> None:
        """Ask the installation to stop; the disk stays as it is then."""
        self.halted.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; returns whether it came."""
        if self._server.instant:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self.task.move_to(TaskStatus.DOING, self.around.clock())
        try:
            for step, (_, work) in zip(self.steps, self.plan(), strict=True):
                self._do(step, work)
            ending = TaskStatus.DONE
        except HaltedError:
            ending = TaskStatus.CANCELLED
        except InstallationError:
            ending = TaskStatus.CUSTOMER_ERROR
        except Exception as error:  # the thread is its own error boundary
            self.around.log(f"{self._server.name}: {type(error).__name__} in the simulator: {error}")
            ending = TaskStatus.OVH_ERROR
        self._end(ending)

    def _end(self, ending: TaskStatus) -> None:
        """Tidy up and tell; the task ends last, so that whoever sees its end finds the rest done."""
        self.image_file.unlink(missing_ok=True)
        self.iso_file.unlink(missing_ok=True)
        boot = f", boot: {self.boot.result.value} ({self.boot.detail})" if self.boot else ""
        self.around.log(f"{self._server.name}: task {self.task.task_id} {ending.value}{boot}")
        try:
            self._write_state(ending)
            if ending is TaskStatus.DONE:
                self.power_on()
        finally:
            self.task.move_to(ending, self.around.clock())

    def _do(self, step: Step, work: Work) -> None:
        began = time.monotonic()
        step.status = "doing"
        try:
            if self.halted.wait(self.around.pace_seconds + self._server.faults.step_seconds):
                raise HaltedError
            self._fail_at(step)
            work()
            step.status = "done"
        except HaltedError:
            step.status = "stopping"
            raise
        except InstallationError as error:
            step.error = str(error)
            step.status = "error"
            raise
        except Exception:
            step.error = "An internal error has occurred"
            step.status = "error"
            raise
        finally:
            step.seconds = round(time.monotonic() - began, 3)

    def _fail_at(self, step: Step) -> None:
        """Raise the failure that was asked for, at its step."""
        failure = FAILURES.get(self._server.faults.failure)
        if failure is not None and failure.step == step.comment:
            raise failure.kind(failure.message)

    def erase_disks(self) -> None:
        """Wipe every disk of the server; the first one of the group is there again, empty."""
        for group in self._server.disk_groups:
            for number in range(1, group.disks + 1):
                self.around.disk_file(group.disk_group_id, number).unlink(missing_ok=True)
        erase(self.disk, self.order.disk_group.disk_size_bytes)

    def download(self) -> None:
        """Fetch the image into `image_file` and compare its digest."""
        order = self.order
        if bool(order.checksum) != bool(order.checksum_type):
            raise InstallationError("Please provide checkSum AND checkSumType or none of them")
        download(
            order.image_url,
            order.http_headers,
            self.image_file,
            image_type=order.image_type,
            limit_bytes=self._server.memory_bytes - RESERVED_MEMORY_BYTES,
            halt=self.halted,
        )
        if order.checksum:
            found = hash_file(self.image_file, order.checksum_type, self.halted)
            if found != order.checksum.lower():
                raise InstallationError(
                    f"Bad checkSumType for downloaded file, got: {found} while expecting {order.checksum}."
                )

    def _write_state(self, ending: TaskStatus) -> None:
        state = {
            "server": self._server.name,
            "task_id": self.task.task_id,
            "status": ending.value,
            "operating_system": self.order.operating_system,
            "disk": str(self.disk),
            "disk_group": self.order.disk_group.disk_group_id,
            "efi_bootloader_path": self.order.efi_bootloader_path,
            "config_drive": not self.order.config_drive.is_empty,
            "boot": self.boot.as_json() if self.boot else None,
            "ssh_address": str(self.around.power.ssh) if self.around.power else None,
            **self.describe(),
            "steps": [asdict(step) for step in self.steps],
        }
        draft = self.around.state_file.with_suffix(".new")
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.around.state_file)
