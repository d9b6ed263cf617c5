"""The power of a simulated server: QEMU runs what is on its disk, until it is switched off or the simulator ends."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.accelerator import accelerator_argv
from byoi_tools.rehearsal.assembly import Hardware, assemble
from byoi_tools.rehearsal.kept_console import KeptConsole
from byoi_tools.rehearsal.machine import machine_argv
from byoi_tools.rehearsal.qemu import output_of, running
from byoi_tools.rehearsal.refusals import HaltedError

# Servers have more; whoever tries a pipeline out has not.
_MEMORY_BYTES = 1 << 30
_SECONDS_TO_END = 30.0


@dataclass(frozen=True, slots=True)
class BootDisk:
    """What the firmware starts: a written disk, what it hangs on, and the loader that a UEFI server is told."""

    file: Path
    boot: BootMode
    bus: DiskBus
    loader_path: str


class Power:
    """Switches one machine on and off; `ssh` leads to its port 22, and `console` has what it says on its serial line.

    What goes wrong is told in the log: a server that does not start is an outcome, as everywhere. The machine ends with
    the thread that runs it, and so with this process, however that ends.
    """

    def __init__(self, name: str, ssh: SshAddress, console: Path, log: Callable[[str], None]) -> None:
        self.ssh = ssh
        self.console = console
        self._name = name
        self._log = log
        self._lock = threading.Lock()
        self._is_cut = False
        self._off = threading.Event()
        self._thread: threading.Thread | None = None
        self._disk: BootDisk | None = None

    @property
    def is_on(self) -> bool:
        """Tell whether a machine runs."""
        return self._thread is not None and self._thread.is_alive()

    def switch_on(self, disk: BootDisk) -> None:
        """Start the machine from a disk, after the end of one that runs."""
        with self._lock:
            self._end()
            self._disk = disk
            self._start()

    def switch_off(self) -> None:
        """End the machine, and return when it is gone."""
        with self._lock:
            self._end()

    def restart(self) -> None:
        """Start the machine anew from the disk that it had last, if it had one."""
        with self._lock:
            self._end()
            self._start()

    def forget_disk(self) -> None:
        """Switch off, since the disk is about to be written: nothing can be restarted from it."""
        with self._lock:
            self._end()
            self._disk = None

    def cut(self) -> None:
        """Ask the machine to end, and start none any more; returns at once."""
        self._is_cut = True
        self._off.set()

    def _start(self) -> None:
        if self._disk is None or self._is_cut:
            return
        self._off = threading.Event()
        arguments = (self._disk, self._off)
        self._thread = threading.Thread(target=self._run, args=arguments, name=f"run {self._name}", daemon=True)
        self._thread.start()

    def _end(self) -> None:
        self._off.set()
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_END)

    def _run(self, disk: BootDisk, off: threading.Event) -> None:
        loader = f" by {disk.loader_path}" if disk.boot is BootMode.UEFI else ""
        self._log(f"{self._name}: boots {disk.boot.value}{loader}; SSH at {self.ssh}, console in {self.console}")
        try:
            end = self._run_machine(disk, off)
        except HaltedError:
            end = ""
        except Exception as error:  # the thread is its own error boundary
            end = f": {type(error).__name__}: {error}"
        self._log(f"{self._name}: is off{end}")

    def _run_machine(self, disk: BootDisk, off: threading.Event) -> str:
        """Run it until it is switched off, or ends by itself; returns what the log has to say of that."""
        hardware = Hardware(disk.boot, disk.bus, _MEMORY_BYTES)
        # A socket's path has a hundred characters at most.
        with tempfile.TemporaryDirectory(prefix="byoi-tools.") as scratch, self.console.open("wb") as file:
            machine = assemble(hardware, disk.loader_path, disk.file, self.ssh, Path(scratch), off)
            keep, last = KeptConsole(file), ""
            with running(machine_argv(machine, accelerator_argv())) as process:
                for text in output_of(process, math.inf):
                    if off.is_set():
                        return ""
                    keep(text)
                    last = (last + text)[-200:]
        lines = last.strip().splitlines()
        return f" by itself: {lines[-1]}" if lines else " by itself"
