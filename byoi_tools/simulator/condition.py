"""In what condition a simulated server is found, for tests of what a client asks before it installs."""

from __future__ import annotations

from dataclasses import dataclass, fields

DISK_BOOT = 1
BOOTS = {DISK_BOOT: "harddisk", 2: "power", 3: "rescue", 4: "network"}
NULLABLE = ("bootId", "diskGroups", "diskSize", "memorySize", "numberOfDisks", "processorArchitecture", "templates")


@dataclass(frozen=True, slots=True)
class Condition:
    """What the API tells of a server beside its hardware.

    `boot_type` is one of `BOOTS`; `architecture` a word of `dedicated.CpuFamilyEnum`; `raid_controller` stands for all
    disk groups, empty for none. `unknown` are names of `NULLABLE` for which the API answers null.
    """

    boot_type: str = "harddisk"
    rescue_ssh_key: str = ""
    monitoring: bool = False
    no_intervention: bool = False
    installed_system: str = "none_64"
    architecture: str = "x86_64"
    raid_controller: str = ""
    unknown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.boot_type not in BOOTS.values() or not set(self.unknown) <= set(NULLABLE):
            raise ValueError(f"boot_type is one of {', '.join(BOOTS.values())}; unknown has {', '.join(NULLABLE)}")

    @property
    def boot_id(self) -> int:
        """The number of the boot."""
        return next(boot_id for boot_id, boot_type in BOOTS.items() if boot_type == self.boot_type)

    def or_null(self, name: str, value: object) -> object:
        """Return the value, or null where the API does not tell it."""
        return None if name in self.unknown else value


def read_condition(table: object) -> Condition:
    """Read the table of a TOML file, whose keys are the fields' names; raises `ValueError`."""
    usual = {field.name: field.default for field in fields(Condition)}
    if not isinstance(table, dict) or not set(table) <= set(usual):
        raise ValueError(f"a condition has the keys {', '.join(usual)} and no other")
    values = usual | table
    unknown = values["unknown"]
    if not isinstance(unknown, list | tuple) or not all(isinstance(name, str) for name in unknown):
        raise ValueError("unknown of a condition was expected to be a list of names")
    return Condition(
        boot_type=str(values["boot_type"]),
        rescue_ssh_key=str(values["rescue_ssh_key"]),
        monitoring=values["monitoring"] is True,
        no_intervention=values["no_intervention"] is True,
        installed_system=str(values["installed_system"]),
        architecture=str(values["architecture"]),
        raid_controller=str(values["raid_controller"]),
        unknown=tuple(unknown),
    )
