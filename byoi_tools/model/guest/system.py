"""The operating system: os-release, architecture, package manager."""

from __future__ import annotations

from collections.abc import Mapping

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Fact


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """What the guest says it is; texts are empty where it does not say.

    `distribution` is `ID` of os-release (`debian`), `like` its `ID_LIKE`, `version` its `VERSION_ID`, `name` its
    `PRETTY_NAME`. `machine` is that of its programs, as `uname -m` gives it. `package_manager` is dpkg, rpm, pacman,
    apk or empty. `packages` are the versions of what is installed, by name.
    """

    distribution: str
    like: tuple[str, ...]
    version: str
    name: str
    machine: str
    package_manager: str
    packages: Fact[Mapping[str, str]]
