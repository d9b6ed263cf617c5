"""Tells whether the log of an XFS was closed by an unmount (Linux: fs/xfs/xfs_log_recover.c, xfs_log_format.h)."""

from __future__ import annotations

import struct

from byoi_tools.formats.source import ByteSource

_SECTOR = 512
_RECORD_MAGIC = 0xFEEDBABE
_UNMOUNT_FLAG = 0x20
_HEADER_CYCLES_BYTES = 32 * 1024
_MAX_RECORD_SECTORS = 2 * (256 * 1024 // _SECTOR)
_MAX_LOG_BYTES = 2 * 1024 * 1024 * 1024
_OPEN = "its log holds changes that are not written yet"


def read_log_problem(source: ByteSource, superblock: bytes) -> str:
    """Say in what way the log is not clean; empty for a clean one, and for one that lies on another device."""
    block_size = int.from_bytes(superblock[4:8], "big")
    (start,) = struct.unpack_from(">Q", superblock, 48)
    group_blocks, _, _, log_blocks = struct.unpack_from(">4I", superblock, 84)
    group_bits = superblock[124]
    size = log_blocks * block_size
    if not start or not 2 * _SECTOR <= size <= _MAX_LOG_BYTES or group_bits > 63:
        return ""
    group, inner = start >> group_bits, start & ((1 << group_bits) - 1)
    log = _Log(source, (group * group_blocks + inner) * block_size, size // _SECTOR)
    return "" if log.is_closed() else _OPEN


class _Log:
    """A ring of sectors; the first word of each is the number of the round in which it was written."""

    def __init__(self, source: ByteSource, start_bytes: int, sectors: int) -> None:
        self._source = source
        self._start_bytes = start_bytes
        self._sectors = sectors

    def is_closed(self) -> bool:
        """Whether the last record before the head is the one that an unmount writes."""
        head = self._head()
        for back in range(1, min(_MAX_RECORD_SECTORS, self._sectors) + 1):
            sector = (head - back) % self._sectors
            header = self._read(sector)
            if header[:4] == _RECORD_MAGIC.to_bytes(4, "big"):
                return self._is_unmount(header, sector)
        return False

    def _head(self) -> int:
        """The sector that will be written next: the first one of another round than sector 0 (xlog_find_head)."""
        first = self._cycle(0)
        if self._cycle(self._sectors - 1) == first:
            return 0
        low, high = 0, self._sectors - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._cycle(middle) == first else (low, middle)
        return high

    def _is_unmount(self, header: bytes, sector: int) -> bool:
        (version,) = struct.unpack_from(">I", header, 8)
        (operations,) = struct.unpack_from(">I", header, 40)
        (record_bytes,) = struct.unpack_from(">I", header, 320)
        headers = max(1, -(-record_bytes // _HEADER_CYCLES_BYTES)) if version & 2 else 1
        operation = self._read((sector + headers) % self._sectors)
        return operations == 1 and bool(operation[9] & _UNMOUNT_FLAG)

    def _cycle(self, sector: int) -> int:
        first: int
        second: int
        first, second = struct.unpack_from(">2I", self._read(sector))
        return second if first == _RECORD_MAGIC else first

    def _read(self, sector: int) -> bytes:
        return self._source.read_at(self._start_bytes + sector * _SECTOR, _SECTOR).ljust(_SECTOR, b"\0")
