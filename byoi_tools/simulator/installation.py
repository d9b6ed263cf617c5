"""One run of an installation: the steps of a real one, in a thread, each visible in `install/status`.

The comments of the steps are those of OVH's real list for Bring Your Own Linux, less what an image needs no
step for: the list for Bring Your Own Image is not published.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from byoi_tools.model.boot import BootMode as FirmwareMode
from byoi_tools.rehearsal.config_drive import make_config_drive
from byoi_tools.rehearsal.disk import append_config_drive, erase, move_gpt_backup, write_image
from byoi_tools.rehearsal.refusals import HaltedError, InstallationError
from byoi_tools.simulator.boot import BootOutcome, BootResult, boot_legacy, boot_uefi
from byoi_tools.simulator.failures import FAILURES
from byoi_tools.simulator.faults import BootFault
from byoi_tools.simulator.image_download import download, hash_file
from byoi_tools.simulator.image_format import check_format, measure_image
from byoi_tools.simulator.ova import DISK_FORMAT, unpack_disk
from byoi_tools.simulator.power import BootDisk, Power
from byoi_tools.simulator.reinstall_rules import ReinstallOrder
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from byoi_tools.simulator.tasks import Task, TaskStatus

Work = Callable[[], None]

# The image must leave this much of the server's memory free (OVH's guide).
RESERVED_MEMORY_BYTES = 3 * 2**30


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


class Installation:
    """Carries out one order; `task` and `steps` tell how far it is, `state.json` how it ended.

    `halted` is set when it shall stop; whatever takes time looks at it.
    """

    def __init__(self, surroundings: Surroundings, order: ReinstallOrder, task: Task) -> None:
        self.around = surroundings
        self._server = surroundings.server
        self.order = order
        self.image_file = surroundings.directory / "image.download"
        self._iso = surroundings.directory / "config-drive.iso"
        self._disk = surroundings.disk_file(order.disk_group.disk_group_id)
        self._boot: BootOutcome | None = None
        self.halted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"install {self._server.name}", daemon=True)
        self.task = task
        self.steps = [Step(comment) for comment, _ in self.plan()]

    @property
    def loader_path(self) -> str:
        """Return the loader that the order declares."""
        return self.order.efi_bootloader_path

    def plan(self) -> tuple[tuple[str, Work], ...]:
        """Return the steps, each with what is done in it."""
        return (
            ("Checking BIOS version", self.rest),
            ("Running Hardware Reboot", self.rest),
            ("Setting up hardware raid", self.rest),
            ("Cleaning Partitioning", self.erase_disks),
            ("Downloading OS image", self.download),
            ("Deploying OS on disks", self._deploy),
            ("Checking Partitioning", self._finish_partitions),
            ("Processing Post-installation configuration", self._configure),
            ("Switching boot", self._switch_boot),
            ("Running Last Hardware Reboot", self.rest),
            ("Sending end of installation mail", self.rest),
        )

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
        self._iso.unlink(missing_ok=True)
        boot = f", boot: {self._boot.result.value} ({self._boot.detail})" if self._boot else ""
        self.around.log(f"{self._server.name}: task {self.task.task_id} {ending.value}{boot}")
        try:
            self._write_state(ending)
            if ending is TaskStatus.DONE:
                self._reboot()
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

    def rest(self) -> None:
        """Do what needs no work in a simulation."""

    def erase_disks(self) -> None:
        """Wipe every disk of the server; the first one of the group is there again, empty."""
        for group in self._server.disk_groups:
            for number in range(1, group.disks + 1):
                self.around.disk_file(group.disk_group_id, number).unlink(missing_ok=True)
        erase(self._disk, self.order.disk_group.disk_size_bytes)

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

    def _deploy(self) -> None:
        kind = self.order.image_type
        check_format(self.image_file, kind, self.halted)
        if kind == "ova":
            unpack_disk(self.image_file)
            kind = DISK_FORMAT
        size_bytes = measure_image(self.image_file, kind, self.halted)
        room_bytes = self.order.disk_group.disk_size_bytes
        if size_bytes > room_bytes:
            raise InstallationError(
                f"image provided has a size of {size_bytes} bytes which is larger than device of {room_bytes} bytes"
            )
        write_image(self.image_file, kind, self._disk, self.halted)

    def _finish_partitions(self) -> None:
        move_gpt_backup(self._disk, self.halted)

    def _configure(self) -> None:
        content = self.order.config_drive
        if content.is_empty:
            return
        if not make_config_drive(content, self._server.name, self._iso, self.halted):
            raise InstallationError("Could not create configdrive on disk.")
        append_config_drive(self._iso, self._disk, self.halted)

    def _switch_boot(self) -> None:
        if self._server.boot_mode is BootMode.LEGACY:
            is_first = self.order.disk_group is self._server.disk_groups[0]
            self._boot = boot_legacy(self._disk, is_first_disk=is_first)
        else:
            self._boot = boot_uefi(self._disk, self.order.efi_bootloader_path, self.halted)

    def _reboot(self) -> None:
        """Start what was installed where the firmware found it, unless a fault wants something else to run."""
        power, fault = self.around.power, self._server.faults.boot
        if power is None or fault is BootFault.NEVER or (fault is BootFault.OLD_SYSTEM and power.is_on):
            return
        if self._boot is not None and self._boot.result is BootResult.LOADER:
            is_legacy = self._server.boot_mode is BootMode.LEGACY
            firmware = FirmwareMode.LEGACY if is_legacy else FirmwareMode.UEFI
            bus = self.order.disk_group.bus(self._server.condition.raid_controller, is_legacy=is_legacy)
            power.switch_on(BootDisk(self._disk, firmware, bus, self.order.efi_bootloader_path))

    def _write_state(self, ending: TaskStatus) -> None:
        state = {
            "server": self._server.name,
            "task_id": self.task.task_id,
            "status": ending.value,
            "operating_system": self.order.operating_system,
            "disk": str(self._disk),
            "disk_group": self.order.disk_group.disk_group_id,
            "efi_bootloader_path": self.order.efi_bootloader_path,
            "config_drive": not self.order.config_drive.is_empty,
            "boot": self._boot.as_json() if self._boot else None,
            "ssh_address": str(self.around.power.ssh) if self.around.power else None,
            **self.describe(),
            "steps": [asdict(step) for step in self.steps],
        }
        draft = self.around.state_file.with_suffix(".new")
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.around.state_file)
