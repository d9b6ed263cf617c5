"""Sends the parts of one upload, each checked by its CRC-32 or MD5: by the store, and by what the store answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from isal import isal_zlib

from byoi_tools.errors import StorageError
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.part_plan import FilePart
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.image_file import open_image
from byoi_tools.tools.object_store.failures import StoreFailure, storage_error
from byoi_tools.tools.object_store.multipart import MultipartStorage, PartAnswer, StoredPart
from byoi_tools.tools.object_store.part_body import PartBody

_PIECE_BYTES = 2**20
_REFUSALS = {"InvalidArgument", "InvalidDigest", "InvalidRequest", "NotImplemented", "501"}


class _Way(Enum):
    """What is sent with a part against damage; the first part to be answered decides for those that follow.

    A store that answers with the CRC-32 has computed it, and so checked the part as well as by an MD5, which costs
    fifty times as much.
    """

    PROBE = "both"
    CRC32 = "CRC-32"
    MD5 = "MD5"
    NONE = "neither"


_FALLBACKS = {
    _Way.PROBE: (_Way.PROBE, _Way.MD5, _Way.NONE),
    _Way.CRC32: (_Way.CRC32,),
    _Way.MD5: (_Way.MD5, _Way.NONE),
    _Way.NONE: (_Way.NONE,),
}


@dataclass(frozen=True, slots=True)
class _Checksums:
    """Of a part as it is in the file; `md5` only where it is needed."""

    md5: bytes | None
    crc32: int


class PartSender:
    """Sends parts of a file; may be used by several threads, for different parts.

    `stored` are the parts that an earlier run has sent. `on_position` is told how many bytes of which part are sent;
    when it raises, sending ends.
    """

    def __init__(
        self,
        storage: MultipartStorage,
        address: ObjectAddress,
        upload_id: str,
        path: Path,
        stored: Mapping[int, StoredPart],
        retries: Retries,
        on_position: Callable[[FilePart, int], None],
    ) -> None:
        self._storage = storage
        self._address = address
        self._upload_id = upload_id
        self._path = path
        self._stored = stored
        self._retries = retries
        self._on_position = on_position
        self._way = _Way.PROBE

    def send(self, part: FilePart) -> str:
        """Return the part's ETag when the store has it, by an earlier run or by this call.

        Raises `StoreFailure`, `StorageError` when the file has become shorter, `ImageUnreadable`.
        """
        with open_image(self._path) as file:
            stored = self._stored.get(part.number)
            if stored and stored.size_bytes == part.length and self._is_same(file, part, stored):
                self._on_position(part, part.length)
                return stored.etag
            return self._retries.run(lambda: self._send_checked(file, part))

    def _is_same(self, file: ByteSource, part: FilePart, stored: StoredPart) -> bool:
        md5 = self._measure(file, part, _Way.MD5).md5
        return md5 is not None and stored.etag == md5.hex()

    def _measure(self, file: ByteSource, part: FilePart, way: _Way) -> _Checksums:
        """Read the part and compute what the way needs."""
        md5 = hashlib.md5(usedforsecurity=False) if way is not _Way.CRC32 else None
        crc32 = 0
        end = part.start + part.length
        for start in range(part.start, end, _PIECE_BYTES):
            piece = self._read(file, start, min(_PIECE_BYTES, end - start))
            crc32 = isal_zlib.crc32(piece, crc32)
            if md5 is not None:
                md5.update(piece)
            self._on_position(part, 0)
        return _Checksums(md5.digest() if md5 else None, crc32)

    def _read(self, file: ByteSource, offset: int, length: int) -> bytes:
        """Read all of it: the store would wait for what was announced, and we for its answer."""
        content = file.read_at(offset, length)
        if len(content) < length:
            raise StorageError(
                f"{self._path} became shorter while it was uploaded",
                remedy="Let nothing write to the file, and publish it again.",
            )
        return content

    def _send_checked(self, file: ByteSource, part: FilePart) -> str:
        way = self._way
        # Again for each attempt: the file may have changed, which its watcher will find.
        measured = self._measure(file, part, way)
        body = PartBody(partial(self._read, file), part.start, part.length, partial(self._on_position, part))
        answer = self._send_some_way(body, part, measured, way)
        if answer.md5 is not None and measured.md5 is not None and answer.md5 != measured.md5.hex():
            raise self._damaged(part, answer.md5, measured.md5.hex())
        if answer.crc32 not in (None, measured.crc32):
            raise self._damaged(part, f"CRC-32 {answer.crc32:08x}", f"{measured.crc32:08x}")
        if way is _Way.PROBE and self._way is _Way.PROBE:
            self._way = _Way.MD5 if answer.crc32 is None else _Way.CRC32
        elif way is _Way.CRC32 and answer.crc32 is None:
            self._way = _Way.MD5  # another server of the store has answered, which knows none
            raise self._damaged(part, "no CRC-32", f"{measured.crc32:08x}")
        return answer.etag

    def _send_some_way(self, body: PartBody, part: FilePart, measured: _Checksums, way: _Way) -> PartAnswer:
        """Send the part, without what the store refuses."""
        for each in _FALLBACKS[way]:
            try:
                answer = self._send_once(body, part, measured, each)
            except StoreFailure as failure:
                if each is _Way.NONE or failure.code not in _REFUSALS:
                    raise
                body.seek(0)
                continue
            if each is not way:
                self._way = each
            return answer
        raise AssertionError("the last way is tried without a way out")

    def _send_once(self, body: PartBody, part: FilePart, measured: _Checksums, way: _Way) -> PartAnswer:
        md5 = measured.md5 if way in (_Way.PROBE, _Way.MD5) else None
        crc32 = measured.crc32 if way in (_Way.PROBE, _Way.CRC32) else None
        return self._storage.send_part(self._address, self._upload_id, part.number, body, md5, crc32)

    def _damaged(self, part: FilePart, theirs: str, ours: str) -> StoreFailure:
        what = f"cannot send part {part.number} of {self._address}"
        return storage_error(what, "BadDigest", f"the store has {theirs}, the file {ours}", ())
