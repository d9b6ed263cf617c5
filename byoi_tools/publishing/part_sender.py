"""Sends the parts of one upload, each checked by its MD5: by the store, and by the ETag that the store gives back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from byoi_tools.errors import StorageError
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.published import ObjectAddress
from byoi_tools.publishing.part_plan import FilePart
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.image_file import open_image
from byoi_tools.tools.multipart_storage import MultipartStorage, PartAnswer, StoredPart
from byoi_tools.tools.part_body import PartBody
from byoi_tools.tools.storage_failures import StoreFailure, storage_error

_PIECE_BYTES = 2**20
_REFUSALS_OF_MD5 = {"InvalidArgument", "InvalidDigest", "InvalidRequest", "NotImplemented", "501"}


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
        self._takes_md5: bool | None = None  # until the first part has told

    def send(self, part: FilePart) -> str:
        """Return the part's ETag when the store has it, by an earlier run or by this call.

        Raises `StoreFailure`, `StorageError` when the file has become shorter, `ImageUnreadable`.
        """
        with open_image(self._path) as file:
            stored = self._stored.get(part.number)
            if stored and stored.size_bytes == part.length and stored.etag == self._digest(file, part).hex():
                self._on_position(part, part.length)
                return stored.etag
            return self._retries.run(lambda: self._send_checked(file, part))

    def _digest(self, file: ByteSource, part: FilePart) -> bytes:
        running = hashlib.md5(usedforsecurity=False)
        end = part.start + part.length
        for start in range(part.start, end, _PIECE_BYTES):
            running.update(self._read(file, start, min(_PIECE_BYTES, end - start)))
            self._on_position(part, 0)
        return running.digest()

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
        md5 = self._digest(file, part)  # again for each attempt: the file may have changed, which its watcher will find
        body = PartBody(partial(self._read, file), part.start, part.length, partial(self._on_position, part))
        answer = self._send_with_md5(body, part, md5)
        if answer.md5 not in (None, md5.hex()):
            what = f"cannot send part {part.number} of {self._address}"
            raise storage_error(what, "BadDigest", f"the store has {answer.md5}, the file {md5.hex()}", ())
        return answer.etag

    def _send_with_md5(self, body: PartBody, part: FilePart, md5: bytes) -> PartAnswer:
        takes_md5 = self._takes_md5
        try:
            answer = self._send_once(body, part, md5 if takes_md5 is not False else None)
        except StoreFailure as failure:
            if takes_md5 is not None or failure.code not in _REFUSALS_OF_MD5:
                raise
            body.seek(0)
            answer = self._send_once(body, part, None)
            takes_md5 = False
        self._takes_md5 = takes_md5 is not False
        return answer

    def _send_once(self, body: PartBody, part: FilePart, md5: bytes | None) -> PartAnswer:
        return self._storage.send_part(self._address, self._upload_id, part.number, body, md5)
