"""What the server's firmware finds on the written disk when it boots.

OVH does not fail an installation whose disk will not boot, so this is an outcome and never an error. Source:
OVH's "Understand the Dedicated Server boot process" (2026-02-06): UEFI servers `sanboot` the declared loader,
and fall back to rEFInd, which looks for loaders itself; legacy servers `sanboot` the first disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event

from byoi_tools.rehearsal.partitions import SECTOR_BYTES, Partition, read_partition_table
from byoi_tools.rehearsal.programs import run

_BOOT_CODE_BYTES = 440
# Characters with a meaning of their own to mtools, and the slash, which separates nothing in UEFI.
_FOREIGN = frozenset("*?[]/")


class BootResult(StrEnum):
    """How the boot ended."""

    LOADER = "loader"
    REFIND = "rEFInd fallback"
    NONE = "no boot"


@dataclass(frozen=True, slots=True)
class BootOutcome:
    """How the boot ended, and why."""

    result: BootResult
    detail: str

    def as_json(self) -> dict[str, str]:
        """Return the value of `boot` in `state.json`."""
        return {"outcome": self.result.value, "detail": self.detail}


def boot_uefi(disk: Path, loader_path: str, halt: Event) -> BootOutcome:
    """Look for the declared loader (backslashes, any case) in every EFI system partition of the disk."""
    table = read_partition_table(disk, halt)
    esps = [partition for partition in table.partitions if partition.is_esp] if table else []
    if not esps:
        return BootOutcome(BootResult.NONE, "the disk has no EFI system partition")
    if any(_has_file(disk, esp, loader_path, halt) for esp in esps):
        return BootOutcome(BootResult.LOADER, loader_path)
    for esp in esps:
        if found := _list_files(disk, esp, "/EFI/*/*.efi", halt):
            detail = f"{loader_path} is not in the EFI system partition; rEFInd sees {', '.join(found)}"
            return BootOutcome(BootResult.REFIND, detail)
    return BootOutcome(BootResult.NONE, "the EFI system partition has no loader")


def boot_legacy(disk: Path, *, is_first_disk: bool) -> BootOutcome:
    """Look for boot code in the disk's first sector."""
    if not is_first_disk:
        return BootOutcome(BootResult.NONE, "the image is not on the server's first disk")
    with disk.open("rb") as file:
        sector = file.read(SECTOR_BYTES)
    if any(sector[:_BOOT_CODE_BYTES]) and sector.endswith(b"\x55\xaa"):
        return BootOutcome(BootResult.LOADER, "the first disk's first sector has boot code")
    return BootOutcome(BootResult.NONE, "the first disk's first sector has no boot code")


def _has_file(disk: Path, esp: Partition, loader_path: str, halt: Event) -> bool:
    if not loader_path.isprintable() or _FOREIGN.intersection(loader_path):
        return False
    wanted = "/" + loader_path.replace("\\", "/").lstrip("/")
    return wanted.casefold() in (name.casefold() for name in _list_files(disk, esp, wanted, halt))


def _list_files(disk: Path, esp: Partition, pattern: str, halt: Event) -> list[str]:
    argv = ("mdir", "-b", "-i", f"{disk}@@{esp.offset_bytes}", f"::{pattern}")
    lines = run(argv, halt, seconds=10).output.splitlines()
    return [line.removeprefix("::") for line in lines if line.startswith("::/") and not line.endswith("/")]
