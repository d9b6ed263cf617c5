"""What lets the root grow on a larger disk, and whether SELinux will find its labels."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Selinux:
    """A guest that enforces SELinux: `unlabelled` are the files that were looked at and have no label.

    `will_relabel` is whether the first boot labels everything anew (`/.autorelabel`).
    """

    unlabelled: tuple[str, ...]
    will_relabel: bool


@dataclass(frozen=True, slots=True)
class Storage:
    """The programs that enlarge the root's partition and its file system, by their paths; the state of SELinux.

    `selinux` is None where it is not enforced.
    """

    partition_growers: tuple[str, ...]
    file_system_growers: tuple[str, ...]
    selinux: Selinux | None
