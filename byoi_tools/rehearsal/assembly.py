"""Puts a machine together around a written disk: the firmware with the declared loader, and its small files."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus, NetworkCard
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.firmware import find_editor, find_firmware, write_settings
from byoi_tools.rehearsal.machine import Machine
from byoi_tools.rehearsal.qemu import require_program

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the machine consists of, whatever is on its disk."""

    boot: BootMode
    bus: DiskBus
    memory_bytes: int
    network: NetworkCard = NetworkCard.E1000E
    has_secure_boot: bool = False


def require_machine(boot: BootMode, *, has_secure_boot: bool = False) -> None:
    """Raise `ToolMissing` unless everything that a machine of that boot mode needs is installed."""
    require_program()
    if boot is BootMode.UEFI:
        find_firmware(has_secure_boot=has_secure_boot)
        find_editor()


def assemble(hardware: Hardware, loader_path: str, disk: Path, ssh: SshAddress, scratch: Path, halt: Event) -> Machine:
    """Return a machine whose one boot entry is the loader, under UEFI; `scratch` is empty and has a short path.

    Raises `ToolError`, and `HaltedError` when `halt` is set.
    """
    code, settings = None, None
    if hardware.boot is BootMode.UEFI:
        code, factory = find_firmware(has_secure_boot=hardware.has_secure_boot)
        settings = scratch / "settings.fd"
        write_settings(factory, loader_path, settings, halt)
    firmware_log = scratch / "firmware.log"
    firmware_log.touch()
    return Machine(
        hardware.boot,
        hardware.bus,
        hardware.memory_bytes,
        disk,
        ssh,
        scratch / "monitor",
        firmware_log,
        code,
        settings,
        hardware.network,
        hardware.has_secure_boot,
    )


def free_address() -> SshAddress:
    """An address on loopback where nobody listens now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return SshAddress(LOOPBACK, int(listener.getsockname()[1]))
