"""A range of sectors; the only place where logical block addresses are subtracted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class SectorRange:
    """Sectors `first_lba` to `last_lba`, both inclusive, of `sector_size_bytes` each.

    A range whose last sector precedes its first one is empty: tables on disk may hold such, and a count of 0
    is what every reader makes of them.
    """

    first_lba: int
    last_lba: int
    sector_size_bytes: int

    @property
    def count(self) -> int:
        """How many sectors the range holds; never negative."""
        return max(0, self.last_lba - self.first_lba + 1)

    @property
    def size_bytes(self) -> int:
        """The size of the range in bytes."""
        return self.count * self.sector_size_bytes

    @property
    def start_bytes(self) -> int:
        """Where the range starts, in bytes from the start of the disk."""
        return self.first_lba * self.sector_size_bytes

    @property
    def end_bytes(self) -> int:
        """The first byte after the range, from the start of the disk."""
        return self.start_bytes + self.size_bytes

    def is_overlapping(self, other: SectorRange) -> bool:
        """Whether both ranges share at least one byte of the disk."""
        return self.start_bytes < other.end_bytes and other.start_bytes < self.end_bytes

    def is_within(self, other: SectorRange) -> bool:
        """Whether every byte of this range lies in the other one."""
        return self.start_bytes >= other.start_bytes and self.end_bytes <= other.end_bytes

    def __str__(self) -> str:
        return f"sectors {self.first_lba}-{self.last_lba}"
