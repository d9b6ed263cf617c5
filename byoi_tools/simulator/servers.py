"""What a simulated server is: its name, boot mode, memory, disks, and the faults it is asked to show."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from byoi_tools.errors import UsageError
from byoi_tools.model.rehearsal import DiskBus
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.simulator.condition import Condition, read_condition
from byoi_tools.simulator.faults import Faults, read_faults

REINSTALL_API, OLD_API = "reinstall", "bring-your-own-image"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


class BootMode(StrEnum):
    """How the firmware boots (`dedicated.server.BootModeEnum`)."""

    LEGACY = "legacy"
    UEFI = "uefi"
    UEFI_LEGACY = "uefi-legacy"


@dataclass(frozen=True, slots=True)
class DiskGroup:
    """Some equal disks; `disk_size_gb` counts decimal gigabytes, as OVH does."""

    disk_group_id: int
    disks: int
    disk_size_gb: int
    disk_type: str
    installable: bool = True

    def __post_init__(self) -> None:
        if self.disk_group_id < 1 or self.disks < 1 or not 1 <= self.disk_size_gb <= 100_000:
            raise _wrong(f"disk group {self.disk_group_id}: ids, disk counts and sizes start at 1")

    @property
    def disk_size_bytes(self) -> int:
        """Size of one disk."""
        return self.disk_size_gb * 10**9

    def bus(self, raid_controller: str, *, is_legacy: bool) -> DiskBus:
        """What its disks hang on, as near as QEMU comes."""
        if "mega" in raid_controller.lower() and is_legacy:
            return DiskBus.MEGARAID
        return DiskBus.NVME if self.disk_type.lower() == "nvme" else DiskBus.AHCI


@dataclass(frozen=True, slots=True)
class SimulatedServer:
    """One server for rent. `name` is also the name of its folder. Raises `UsageError` for an absurd one.

    `api` are the requests that install an image on it: `reinstall`, and `bring-your-own-image` of the 2020 guides,
    which most real servers no longer have. `ssh_address` is where it answers to SSH when it boots, as HOST:PORT of this
    machine; empty takes a free port of 127.0.0.1.

    `instant` is metal that pretends: an order is judged as always, and then counts as done at once. Nothing is
    downloaded, verified or written, no step is shown, and `faults` of the installation do not happen.
    """

    name: str
    boot_mode: BootMode
    memory_mib: int
    disk_groups: tuple[DiskGroup, ...]
    operating_systems: tuple[str, ...] = ("byoi_64", "byolinux_64")
    faults: Faults = field(default_factory=Faults)
    condition: Condition = field(default_factory=Condition)
    api: tuple[str, ...] = (REINSTALL_API,)
    instant: bool = False
    ssh_address: str = ""

    def __post_init__(self) -> None:
        ids = [group.disk_group_id for group in self.disk_groups]
        if not _NAME.fullmatch(self.name):
            raise _wrong(f"{self.name!r} is no host name in lower case")
        if not self.api or not {REINSTALL_API, OLD_API}.issuperset(self.api):
            raise _wrong(f"{self.name}: api is a list of {REINSTALL_API} and {OLD_API}")
        if self.ssh_address and not _is_address(self.ssh_address):
            raise _wrong(f"{self.name}: ssh_address {self.ssh_address[:80]!r} is not as 127.0.0.1:2201")
        if self.memory_mib < 1 or not ids or len(set(ids)) != len(ids):
            raise _wrong(f"{self.name} needs memory, and disk groups with different ids")

    @property
    def memory_bytes(self) -> int:
        """Size of the memory."""
        return self.memory_mib * 2**20

    def find_disk_group(self, disk_group_id: int) -> DiskGroup | None:
        """Return the group with that id; 0 means the default group, the first one."""
        if disk_group_id == 0:
            return self.disk_groups[0]
        return next((group for group in self.disk_groups if group.disk_group_id == disk_group_id), None)


def default_servers() -> tuple[SimulatedServer, ...]:
    """Return the servers that the simulator has when nobody says otherwise."""
    nvme = DiskGroup(1, 2, 480, "NVMe")
    sata = DiskGroup(2, 2, 4000, "SATA")
    return (
        SimulatedServer("ns1.simulated", BootMode.UEFI, 65536, (nvme, sata)),
        SimulatedServer("ns2.simulated", BootMode.LEGACY, 16384, (DiskGroup(1, 2, 480, "SSD"),)),
    )


def old_server() -> SimulatedServer:
    """Return a server that has the API of the 2020 guides too, as some old accounts do."""
    disks = (DiskGroup(1, 2, 480, "NVMe"),)
    return SimulatedServer("ns3.simulated", BootMode.UEFI, 32768, disks, api=(REINSTALL_API, OLD_API))


def load_servers(path: Path) -> tuple[SimulatedServer, ...]:
    """Read `[[server]]` tables from a TOML file; raises `UsageError` when it cannot be read or understood.

    The keys are the field names of `SimulatedServer`, `[[server.disk_groups]]` those of `DiskGroup`,
    `[server.faults]` those of `Faults` (`faults.py`), `[server.condition]` those of `Condition` (`condition.py`).
    """
    try:
        document: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(f"{path} cannot be read as TOML: {error}") from error
    tables = document.pop("server", None)
    if document or not isinstance(tables, list) or not tables:
        raise _wrong(f"{path} must hold [[server]] tables and nothing else")
    servers = tuple(_read_server(table) for table in tables)
    if len({server.name for server in servers}) != len(servers):
        raise _wrong(f"{path} names a server twice")
    return servers


def _read_server(table: object) -> SimulatedServer:
    values = _keys(table, SimulatedServer)
    groups = values.get("disk_groups")
    if not isinstance(groups, list):
        raise _wrong("a server needs [[server.disk_groups]]")
    name, memory = values.get("name"), values.get("memory_mib")
    if not isinstance(name, str) or not isinstance(memory, int):
        raise _wrong("a server needs a name and memory_mib")
    try:
        return SimulatedServer(
            name=name,
            boot_mode=BootMode(str(values.get("boot_mode"))),
            memory_mib=memory,
            disk_groups=tuple(_read_disk_group(group) for group in groups),
            operating_systems=_strings(values.get("operating_systems", ["byoi_64", "byolinux_64"])),
            faults=read_faults(_table(values.get("faults", {}))),
            condition=read_condition(values.get("condition", {})),
            api=_strings(values.get("api", [REINSTALL_API])),
            instant=values.get("instant") is True,
            ssh_address=str(values.get("ssh_address", "")),
        )
    except ValueError as error:
        raise _wrong(f"{name}: {error}") from error


def _read_disk_group(table: object) -> DiskGroup:
    values = _keys(table, DiskGroup)
    numbers = [values.get(key) for key in ("disk_group_id", "disks", "disk_size_gb")]
    identifier, disks, size = (number if isinstance(number, int) else 0 for number in numbers)
    return DiskGroup(
        identifier, disks, size, str(values.get("disk_type", "SATA")), values.get("installable", True) is True
    )


def _keys(table: object, kind: type[SimulatedServer | DiskGroup]) -> dict[str, object]:
    known = {field.name for field in fields(kind)}
    if not isinstance(table, dict) or not known.issuperset(table):
        raise _wrong(f"a {kind.__name__} has the keys {', '.join(sorted(known))} and no other")
    return dict(table)


def _table(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("[server.faults] was expected to be a table")
    return value


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of strings was expected")
    return tuple(value)


def _is_address(text: str) -> bool:
    """Tell whether QEMU can listen there: an address in digits, and a port."""
    try:
        return ipaddress.ip_address(SshAddress.parse(text).host).version == 4
    except ValueError:
        return False


def _wrong(problem: str) -> UsageError:
    return UsageError(
        "The simulated servers are not defined well",
        details=problem,
        remedy="Give [[server]] tables with name, boot_mode (uefi or legacy), memory_mib and "
        "[[server.disk_groups]] (disk_group_id, disks, disk_size_gb, disk_type).",
    )
