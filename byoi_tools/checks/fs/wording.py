"""How findings name a volume."""

from __future__ import annotations

from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.quoting import quote


def place(volume: Volume) -> str:
    """Where it is and what it is for: `partition 3, ext4, mounted at "/"`; names of LVM are hostile."""
    partition, comma, rest = volume.source.partition(", volume ")
    words = [partition, *([f"volume {quote(rest)}"] if comma else []), volume.file_system]
    return ", ".join(
        [*filter(None, words), *([f"mounted at {quote(volume.mount_point)}"] if volume.mount_point else [])]
    )
