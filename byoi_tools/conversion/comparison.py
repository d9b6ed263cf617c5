"""Compares what a guest would see of two disks, in parallel threads; what both store nothing for is not read."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from heapq import merge

from byoi_tools.conversion.qcow2_writer import DiskContent
from byoi_tools.errors import IntegrityError

_PIECE_BYTES = 4 * 2**20


def require_same_content(source: DiskContent, copy: DiskContent, threads: int) -> None:
    """Return when both disks read the same; raises `IntegrityError` with the first place where they differ.

    Both are read from several threads at once. The longer one must end in zeros.
    """

    def find_difference(piece: tuple[int, int]) -> int | None:
        offset, length = piece
        one, other = (disk.read_at(offset, length).ljust(length, b"\0") for disk in (source, copy))
        if one == other:
            return None
        return offset + next(number for number in range(length) if one[number] != other[number])

    with ThreadPoolExecutor(threads, thread_name_prefix="compare") as pool:
        for difference in pool.map(find_difference, _pieces(source, copy)):
            if difference is not None:
                pool.shutdown(cancel_futures=True)
                raise IntegrityError(
                    "the converted image does not have the content of its source",
                    details=f"the first difference is at byte {difference} of the disk",
                    remedy="Do not use it. Try again; if it happens twice, test the disk and memory of this machine.",
                )


def _pieces(source: DiskContent, copy: DiskContent) -> Iterator[tuple[int, int]]:
    """What either of them has stored, in pieces (offset, length), each byte once."""
    done = 0
    for start, length in merge(source.data_ranges(), copy.data_ranges()):
        end = start + length
        for offset in range(max(start, done), end, _PIECE_BYTES):
            yield offset, min(_PIECE_BYTES, end - offset)
        done = max(done, end)
