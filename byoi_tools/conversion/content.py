"""The digest of what a guest would see of a disk, whatever stores it: made in threads, and never of zeros.

The disk is cut into pieces of 4 MiB, and these into blocks of 64 KiB. Blocks of zeros count for nothing, so that it
makes no difference whether zeros are stored, and a sparse disk costs what it holds.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from byoi_tools.conversion.ahead import map_ahead
from byoi_tools.conversion.disk_content import PIECE_BYTES, DiskContent, Piece, read_units, stored_pieces
from byoi_tools.errors import IntegrityError
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer

BLOCK_BYTES = 64 * 2**10
_ZEROS = bytes(BLOCK_BYTES)
_RUN = struct.Struct(">QQ")
_PIECE = struct.Struct(">Q32s")


@dataclass(frozen=True, slots=True)
class DiskDigest:
    """The SHA-256 of each piece of a disk that is not all zeros, by its number, ascending.

    A piece's digest is that of its runs of blocks that are not all zeros: where the run starts and how long it is (64
    bits each, big endian, in bytes), then the bytes, as if zeros followed the end of the disk. `block_count` says how
    many blocks are not all zeros.
    """

    pieces: Mapping[int, bytes]
    block_count: int

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the whole content: of each piece's number (64 bits, big endian) and digest in turn."""
        whole = hashlib.sha256()
        for number, digest in self.pieces.items():
            whole.update(_PIECE.pack(number, digest))
        return Digest(DigestAlgorithm.SHA256, whole.hexdigest())


def digest_disk(disk: DiskContent, observer: Observer, work: str, threads: int) -> DiskDigest:
    """Read all that the disk stores, in threads; `work` is what the observer calls it. Raises what reading raises."""
    observer.work_started(work, disk.size_bytes)
    pieces: dict[int, bytes] = {}
    block_count = 0
    for number, blocks, digest in map_ahead(partial(_digest_piece, disk), stored_pieces(disk, BLOCK_BYTES), threads):
        if blocks:
            pieces[number] = digest
            block_count += blocks
        observer.work_advanced(work, min((number + 1) * PIECE_BYTES, disk.size_bytes))
    observer.work_finished(work)
    return DiskDigest(pieces, block_count)


def require_same_content(source: DiskDigest, copy: DiskDigest) -> None:
    """Return when both disks read the same; raises `IntegrityError` with the first piece in which they differ."""
    if source.pieces == copy.pieces:
        return
    numbers = source.pieces.keys() | copy.pieces.keys()
    first = min(number for number in numbers if source.pieces.get(number) != copy.pieces.get(number)) * PIECE_BYTES
    raise IntegrityError(
        "the converted image does not have the content of its source",
        details=f"the first difference is in bytes {first} to {first + PIECE_BYTES - 1} of the disk",
        remedy="Do not use it. Let nothing write to the source and try again; if it happens twice, test the disk and "
        "memory of this machine.",
    )


def _digest_piece(disk: DiskContent, piece: Piece) -> tuple[int, int, bytes]:
    """The piece's number, how many of its blocks are not all zeros, and their digest."""
    digest = hashlib.sha256()
    length = 0
    for start, end in piece.ranges:
        content = read_units(disk, start, end)
        view = memoryview(content)
        for first, last in _runs(content):
            digest.update(_RUN.pack(start + first, last - first))
            digest.update(view[first:last])
            length += last - first
    return piece.number, length // BLOCK_BYTES, digest.digest()


def _runs(content: bytes) -> list[tuple[int, int]]:
    """Where blocks that are not all zeros start and end, joined where they meet."""
    runs: list[tuple[int, int]] = []
    for offset in range(0, len(content), BLOCK_BYTES):
        if content.startswith(_ZEROS, offset):
            continue
        if runs and runs[-1][1] == offset:
            runs[-1] = (runs[-1][0], offset + BLOCK_BYTES)
        else:
            runs.append((offset, offset + BLOCK_BYTES))
    return runs
