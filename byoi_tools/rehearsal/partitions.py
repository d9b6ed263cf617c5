"""Reads the partition table of a disk or image through `sfdisk`, and its other signatures through `blkid`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from byoi_tools.rehearsal.programs import run

SECTOR_BYTES = 512

_ESP_TYPES = ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "ef")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `kind` is the type GUID in lower case, or the MBR type in hexadecimal."""

    first_lba: int
    sectors: int
    kind: str

    @property
    def offset_bytes(self) -> int:
        """Where it starts on the disk."""
        return self.first_lba * SECTOR_BYTES

    @property
    def is_esp(self) -> bool:
        """Tell whether it is an EFI system partition."""
        return self.kind in _ESP_TYPES


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A table, `label` being `gpt` or `dos`, and the last sector that it lets partitions use."""

    label: str
    last_usable_lba: int
    partitions: tuple[Partition, ...]


def read_partition_table(disk: Path, halt: Event) -> PartitionTable | None:
    """Return the table of the disk or image, or None where `sfdisk` sees none."""
    finished = run(("sfdisk", "--json", str(disk)), halt)
    if finished.returncode != 0:
        return None
    table = json.loads(finished.output)["partitiontable"]
    last_sector = disk.stat().st_size // SECTOR_BYTES - 1
    return PartitionTable(
        label=str(table["label"]),
        last_usable_lba=int(table.get("lastlba", last_sector)),
        partitions=tuple(
            Partition(int(entry["start"]), int(entry["size"]), str(entry["type"]).lower())
            for entry in table.get("partitions", ())
        ),
    )


def probe_table(disk: Path, halt: Event) -> str:
    """Return `gpt`, `dos`, another table's name, `PMBR` for a protective MBR without a sound GPT, or nothing.

    File systems are left out of it: remains of several make `blkid` give up on the whole disk.
    """
    return _probe(("--usages", "nofilesystem,raid,crypto,other", "--match-tag", "PTTYPE"), disk, halt)


def probe_content(disk: Path, halt: Event) -> str:
    """Return the name of the file system or the like that begins with the disk, or nothing."""
    return _probe(("--match-tag", "TYPE"), disk, halt)


def _probe(options: tuple[str, ...], disk: Path, halt: Event) -> str:
    argv = ("blkid", "--probe", "--output", "value", *options, str(disk))
    return run(argv, halt).output.strip()
