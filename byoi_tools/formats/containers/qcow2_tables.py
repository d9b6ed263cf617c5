"""Reads the L1 table and the L2 tables of a qcow2 image (QEMU, docs/interop/qcow2.txt, "Cluster mapping")."""

from __future__ import annotations

import sys
from array import array

from byoi_tools.errors import ContainerMalformed
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.disks.qcow2 import Qcow2Header

OFFSET_MASK = 0x00FF_FFFF_FFFF_FE00  # bits 9-55, of L1 entries and standard L2 entries
COMPRESSED_FLAG = 1 << 62
ZERO_FLAG = 1
SUBCLUSTERS = 32
SECTOR_BYTES = 512

_REMEDY = "Run `qemu-img check` on the image; then build or download it again."


def read_l1_table(source: ByteSource, header: Qcow2Header) -> array[int]:
    """Return the L1 entries that the virtual disk needs, at most 32 MiB of them; what lies behind them is VM state.

    Raises `ImageMalformed` when the file ends before the table does.
    """
    mapped_by_entry = header.l2_entry_count * header.cluster_size_bytes
    needed = -(-header.virtual_size_bytes // mapped_by_entry)
    return to_entries(read_exactly(source, header.l1_table_offset, needed * 8, "L1 table of the qcow2 image"))


def read_l2_table(source: ByteSource, header: Qcow2Header, offset: int) -> array[int]:
    """Return the 64-bit words of the L2 table at an offset; an extended entry is two: descriptor and bitmap.

    Raises `ImageMalformed` when the offset is not a cluster's or the file ends before the table does.
    """
    if offset % header.cluster_size_bytes:
        raise malformed("an L2 table of the qcow2 image starts at no cluster", f"offset {offset}")
    return to_entries(read_exactly(source, offset, header.cluster_size_bytes, "L2 table of the qcow2 image"))


def to_entries(table: bytes) -> array[int]:
    """Return the big-endian 64-bit entries of a table."""
    entries = array("Q", table)
    if sys.byteorder == "little":
        entries.byteswap()
    return entries


def compressed_range(header: Qcow2Header, entry: int) -> tuple[int, int]:
    """Return where the data of a compressed cluster starts, and how many bytes it has at most.

    The length ends with a sector, of which the data needs at least one byte ("Compressed Clusters Descriptor").
    """
    offset_bits = 62 - (header.cluster_bits - 8)
    offset = entry & ((1 << offset_bits) - 1)
    additional_sectors = (entry & (COMPRESSED_FLAG - 1)) >> offset_bits
    return offset, (additional_sectors + 1) * SECTOR_BYTES - offset % SECTOR_BYTES


def malformed(message: str, details: str | None = None) -> ContainerMalformed:
    """Return the error for a table or cluster that contradicts the specification."""
    return ContainerMalformed(message, details=details, remedy=_REMEDY)
