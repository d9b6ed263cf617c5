"""What the superblock of a guest's file system says: room, state, features."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Superblock:
    """A file system by its own superblock; sizes in bytes.

    `size_bytes` is what the file system claims. `free_inodes` is None where inodes are made as they are needed.
    `problems` say in what way it was not unmounted cleanly; empty for a clean one. `features` have the names that
    `tune2fs -l` or `xfs_info` gives them.
    """

    size_bytes: int
    block_size_bytes: int
    free_bytes: int
    free_inodes: int | None
    problems: tuple[str, ...]
    features: tuple[str, ...]
