"""What a GRUB reaches and what its scripts leave behind."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from byoi_tools.formats.grub.script import Statement
from byoi_tools.model.dataclass import dataclass

_ALWAYS_EXPORTED = ("root", "prefix", "grub_platform", "grub_cpu", "cmdpath")


class GrubDevices(Protocol):
    """The devices of the image as GRUB names them. Paths have one: `(hd0,gpt3)/boot/grub/grub.cfg`."""

    def is_file(self, path: str) -> bool:
        """Whether a file is there; no where the device cannot be read."""
        ...

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there."""
        ...

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none or it cannot be read."""
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, ordered."""
        ...

    def search(self, kind: str, value: str) -> str | None:
        """The device that a search by `fs-uuid`, `label` or `file` finds (`hd0,gpt3`), or None."""
        ...


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry or submenu as it stood in the script; `place` is the file and the line.

    `is_specified` tells that it is an entry of the Boot Loader Specification.
    """

    title: str
    identity: str
    is_unrestricted: bool
    is_submenu: bool
    is_specified: bool
    body: tuple[Statement, ...]
    place: str


@dataclass(frozen=True, slots=True)
class FailedSearch:
    """A search that found nothing: by what (`fs-uuid`), for what, and where it stands."""

    kind: str
    wanted: str
    place: str


@dataclass
class GrubState:
    """Variables, menu, searches that failed, configurations that were read or missing, and what was loaded.

    `kernel` is the path and the arguments of the last `linux`, `initrds` the paths behind it; both as written.
    `other_program` is what else an entry starts (`chainloader /EFI/...`), `needed_module` the path of the module
    without which no configuration is read, empty where it is built in.
    """

    variables: dict[str, str]
    exported: set[str] = field(default_factory=lambda: set(_ALWAYS_EXPORTED))
    functions: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    menu: list[MenuItem] = field(default_factory=list)
    failed_searches: list[FailedSearch] = field(default_factory=list)
    configs: list[str] = field(default_factory=list)
    missing_configs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    kernel: tuple[str, ...] = ()
    initrds: tuple[str, ...] = ()
    other_program: str = ""
    needed_module: str = ""
    uses_specified_entries: bool = False
