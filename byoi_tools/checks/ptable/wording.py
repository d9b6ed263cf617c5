"""How the checks of partition tables name partitions, whose own names are the image's and hostile."""

from __future__ import annotations

from collections.abc import Sequence

from byoi_tools.model.disks.partition import Partition
from byoi_tools.model.quoting import quote

ON_RAW = "On the raw disk (from a qcow2: byoi-tools convert IMAGE DISK.raw --to raw): "
"""How a remedy begins whose program would destroy the container around a disk."""

_SHOWN = 8


def name_partition(partition: Partition) -> str:
    """Return `partition 3 "root"`, without a name where the table has none."""
    return f"{partition} {quote(partition.name)}" if partition.name else str(partition)


def name_some(texts: Sequence[str]) -> str:
    """Return the texts joined by semicolons; of more than eight the first ones and how many follow."""
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
