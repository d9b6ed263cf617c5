"""The drivers that servers need, from the data file that comes with the profiles."""

from __future__ import annotations

import tomllib
from dataclasses import field
from enum import Enum
from functools import cache
from pathlib import Path

from byoi_tools.checks.profiles import profile_directory
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.finding import Severity


class Role(Enum):
    """What a driver is for, which is also which check asks for it."""

    NVME = "nvme"
    AHCI = "ahci"
    RAID = "raid"
    HBA = "hba"
    BMC = "bmc"
    NET = "net"
    GRAPHICS = "graphics"


@dataclass(frozen=True, slots=True)
class Driver:
    """An entry of the file, whose head explains the fields. `options` has one kernel option for each module."""

    role: Role
    modules: tuple[str, ...]
    options: tuple[str, ...]
    bus: str
    controller: str
    severity: Severity
    source: str
    names: tuple[str, ...] = field(default=())
    firmware: tuple[str, ...] = field(default=())


def drivers_of(role: Role) -> tuple[Driver, ...]:
    """The drivers of one role, in the order of the file."""
    return tuple(driver for driver in all_drivers() if driver.role is role)


@cache
def all_drivers(path: Path | None = None) -> tuple[Driver, ...]:
    """Every driver of the file; it comes with the program, so a wrong one is a defect: `KeyError`, `ValueError`."""
    table = tomllib.loads((path or profile_directory() / "data" / "drivers.toml").read_text(encoding="utf-8"))
    return tuple(_driver(entry) for entry in table["driver"])


def _driver(entry: dict[str, object]) -> Driver:
    driver = Driver(
        role=Role(entry["role"]),
        modules=_texts(entry["modules"]),
        options=_texts(entry["options"]),
        bus=str(entry["bus"]),
        controller=str(entry["controller"]),
        severity=Severity[str(entry["severity"]).upper()],
        source=str(entry["source"]),
        names=_texts(entry.get("names", [])),
        firmware=_texts(entry.get("firmware", [])),
    )
    if len(driver.modules) != len(driver.options):
        raise ValueError(f"{driver.modules} and {driver.options} are not the same in number")
    return driver


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return tuple(str(each) for each in value)
