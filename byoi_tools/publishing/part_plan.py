"""Into how large parts a file is cut for its upload, and how many of them travel at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass

_MIB = 2**20
_SMALLEST_PART = 16 * _MIB
_LARGEST_USUAL_PART = 64 * _MIB
_USUAL_PARTS = 1000  # what one answer of ListParts holds
_MAXIMUM_PARTS = 10_000  # S3 API, "Multipart upload limits", as the 5 GiB of a part; the same at OVHcloud
_FEWEST_AT_A_TIME, _MOST_AT_A_TIME = 4, 16


@dataclass(frozen=True, slots=True)
class FilePart:
    """The bytes [start, start + length) of a file, sent as the part `number`, which counts from 1."""

    number: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Every part has `part_bytes`, the last one fewer; `parallel` of them are sent at a time."""

    part_bytes: int
    parallel: int

    def count(self, size_bytes: int) -> int:
        """How many parts a file of that size has."""
        return -(-size_bytes // self.part_bytes)

    def part(self, number: int, end: int) -> FilePart:
        """Return the part with that number of a file that ends at `end`, or after the part."""
        start = (number - 1) * self.part_bytes
        return FilePart(number, start, min(self.part_bytes, end - start))


def plan_parts(upper_bound_bytes: int) -> PartPlan:
    """Plan for a file of at most that size: parts of 16 to 64 MiB, larger where 10,000 of them do not suffice.

    The size of the parts follows from the bound alone, so that any machine continues what another began.
    """
    usual = min(_LARGEST_USUAL_PART, -(-upper_bound_bytes // _USUAL_PARTS))
    needed = max(_SMALLEST_PART, usual, -(-upper_bound_bytes // _MAXIMUM_PARTS))
    processors = len(os.sched_getaffinity(0))
    return PartPlan(-(-needed // _MIB) * _MIB, max(_FEWEST_AT_A_TIME, min(2 * processors, _MOST_AT_A_TIME)))
