"""The command line of a machine like the server: q35, a disk controller and a network card that servers have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus, NetworkCard
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.qemu import PROGRAM

_MIB = 1 << 20

_DISKS = {
    DiskBus.NVME: ("nvme,serial=rehearsal",),
    DiskBus.AHCI: ("ide-hd,bus=ide.0",),
    DiskBus.MEGARAID: ("megasas-gen2,id=raid", "scsi-hd,bus=raid.0"),
    DiskBus.VIRTIO: ("virtio-blk-pci",),
}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine has; `ssh` is the address on this machine that leads to the guest's port 22.

    `firmware_code` and `firmware_settings` are OVMF's flash files, None for SeaBIOS. `has_secure_boot` tells that they
    are those of Secure Boot, which only code in system management mode may write.
    """

    boot: BootMode
    bus: DiskBus
    memory_bytes: int
    disk: Path
    ssh: SshAddress
    monitor: Path
    firmware_log: Path
    firmware_code: Path | None = None
    firmware_settings: Path | None = None
    network: NetworkCard = NetworkCard.E1000E
    has_secure_boot: bool = False


def machine_argv(machine: Machine, accelerator: tuple[str, ...]) -> list[str]:
    """Return the command: serial console on standard output, no way out of the network, nothing of the host's."""
    # A guest is free to attack QEMU: it may start no programs and gain no rights.
    argv = [PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-vga", "std", "-serial", "stdio"]
    argv += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
    argv += ["-machine", "q35,smm=on" if machine.has_secure_boot else "q35", *accelerator]
    argv += ["-smp", "2", "-m", str(machine.memory_bytes // _MIB)]
    argv += ["-qmp", f"unix:{_value(machine.monitor)},server=on,wait=off"]
    argv += ["-chardev", f"file,id=firmware,path={_value(machine.firmware_log)}"]
    argv += ["-device", "isa-debugcon,iobase=0x402,chardev=firmware"]
    argv += ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:{machine.ssh}-:22"]
    argv += ["-device", f"{machine.network.value},netdev=net,romfile="]
    return [*argv, *_firmware_argv(machine), *_disk_argv(machine)]


def _firmware_argv(machine: Machine) -> list[str]:
    if machine.firmware_code is None or machine.firmware_settings is None:
        return []
    flash = "if=pflash,format=raw,unit="
    code = f"{flash}0,readonly=on,file={_value(machine.firmware_code)}"
    argv = ["-drive", code, "-drive", f"{flash}1,file={_value(machine.firmware_settings)}"]
    return [*argv, *(("-global", "driver=cfi.pflash01,property=secure,value=on") if machine.has_secure_boot else ())]


def _disk_argv(machine: Machine) -> list[str]:
    *controller, disk = _DISKS[machine.bus]
    drive = f"if=none,id=disk,format=raw,cache=unsafe,discard=unmap,file={_value(machine.disk)}"
    argv = ["-drive", drive]
    for device in controller:
        argv += ["-device", device]
    # Under UEFI the order of the entries is in the store of variables; QEMU's own order would replace it.
    first = ",bootindex=0" if machine.boot is BootMode.LEGACY else ""
    return [*argv, "-device", f"{disk},drive=disk{first}"]


def _value(path: Path) -> str:
    """A path as a value in QEMU's syntax, where a comma would begin the next option."""
    return str(path.absolute()).replace(",", ",,")
