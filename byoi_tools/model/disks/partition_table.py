"""Partition tables as they lie on the disk, damaged ones too (UEFI specification 2.10, chapter 5)."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.sectors import SectorRange


class TableScheme(Enum):
    """Which partition table a disk has."""

    GPT = "gpt"
    MBR = "mbr"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MbrEntry:
    """One used slot: `slot` 1-4 in LBA 0, from 5 on for logical partitions; `type_byte` as stored."""

    slot: int
    status_byte: int
    type_byte: int
    sectors: SectorRange

    @property
    def is_active(self) -> bool:
        """Whether firmware would boot from it (status 0x80)."""
        return self.status_byte == 0x80

    @property
    def is_extended(self) -> bool:
        """Whether it holds a chain of logical partitions."""
        return self.type_byte in (0x05, 0x0F, 0x85)


@dataclass(frozen=True, slots=True)
class Mbr:
    """LBA 0 of a disk: `boot_code` is its first 440 bytes.

    `entries` are the used slots among the four primaries, `logicals` those of the extended chain in its order.
    `chain_problem` says why the chain could not be followed to its end, or is empty. `is_plausible` is False when
    the sector looks like a file system's boot sector or its entries cannot be partitions.
    """

    boot_code: bytes
    disk_signature: int
    has_signature: bool
    entries: tuple[MbrEntry, ...]
    logicals: tuple[MbrEntry, ...]
    chain_problem: str
    is_plausible: bool

    @property
    def protective_entries(self) -> tuple[MbrEntry, ...]:
        """The entries of type 0xEE."""
        return tuple(entry for entry in self.entries if entry.type_byte == 0xEE)


@dataclass(frozen=True, slots=True)
class GptEntry:
    """One used partition entry; GUIDs upper-case, `name` decoded from UTF-16LE up to the first NUL."""

    number: int
    type_guid: str
    guid: str
    sectors: SectorRange
    attributes: int
    name: str


@dataclass(frozen=True, slots=True)
class GptCopy:
    """One of the two GPT headers as stored, with its entries, and the CRCs that its bytes really have.

    `lba` is where it was found. `computed_crc32` is None when the header claims a size that no header can have (under
    92 bytes or over a sector). `computed_entries_crc32` is None when the entry array lies outside the image or exceeds
    the reader's caps; `entries` is empty then.
    """

    lba: int
    revision: int
    header_size_bytes: int
    stored_crc32: int
    computed_crc32: int | None
    my_lba: int
    alternate_lba: int
    first_usable_lba: int
    last_usable_lba: int
    disk_guid: str
    entries_lba: int
    entry_count: int
    entry_size_bytes: int
    stored_entries_crc32: int
    computed_entries_crc32: int | None
    entries: tuple[GptEntry, ...]

    @property
    def is_header_valid(self) -> bool:
        """Whether firmware accepts the header: revision, size, CRC and its own LBA."""
        return self.revision == 0x00010000 and self.stored_crc32 == self.computed_crc32 and self.my_lba == self.lba

    @property
    def are_entries_valid(self) -> bool:
        """Whether the entry array was read and has the CRC that the header promises."""
        return self.stored_entries_crc32 == self.computed_entries_crc32

    @property
    def is_valid(self) -> bool:
        """Whether firmware would use this copy."""
        return self.is_header_valid and self.are_entries_valid


@dataclass(frozen=True, slots=True)
class Gpt:
    """Both copies of a GUID partition table; at least one is present.

    The backup is looked for where a valid primary says (`alternate_lba`) and, failing that, in the last sector; where
    the primary is absent or invalid, the other way round.
    """

    sector_size_bytes: int
    primary: GptCopy | None
    backup: GptCopy | None

    @property
    def best(self) -> GptCopy:
        """The copy that firmware would use: a valid primary, else a valid backup, else what there is."""
        copies = [copy for copy in (self.primary, self.backup) if copy is not None]
        return next((copy for copy in copies if copy.is_valid), copies[0])
