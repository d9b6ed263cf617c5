"""One multipart upload of a file that may still grow: several parts at a time, the first one last, and resumed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from byoi_tools.errors import StorageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.completion import Completed, Promise, complete_upload, find_kept
from byoi_tools.publishing.open_uploads import Remains, UploadRecord, find_remains, list_uploads
from byoi_tools.publishing.part_plan import FilePart, PartPlan
from byoi_tools.publishing.part_sender import PartSender
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.multipart import MultipartStorage, OpenUpload

WORK = "uploading"
_SECONDS_TO_SETTLE = 10.0  # what is on its way when another part fails
_SECONDS_TO_STOP = 3.0  # a request that hangs longer is left behind; its thread ends with the process


class _Stopped(Exception):
    """Raised where bytes are read for a request that nobody waits for any more."""


class Upload:
    """The parts of a file on their way into a store, while the context lasts.

    Entering looks for the parts that an interrupted run has left (unless `resumes` is false: then they are deleted) or
    begins an upload; parts that are there with the same size and MD5 are not sent again. Whatever ends the context,
    parts that were sent stay in the store for the next run, unless the upload was completed or abandoned. No part is
    held in memory. `total_bytes` is what the observer is told, where it is known; `metadata` names the content by
    `byoi-sha256` or `byoi-content`; `record` is told of the upload before a part is sent, and when it has ended.
    Entering and every method raise `StoreFailure` when the store refuses or does not answer for long, `StorageError`
    when the file has become shorter, and `ImageUnreadable`.
    """

    def __init__(
        self,
        storage: MultipartStorage,
        address: ObjectAddress,
        path: Path,
        plan: PartPlan,
        metadata: Mapping[str, str],
        clock: Clock,
        observer: Observer,
        *,
        resumes: bool = True,
        total_bytes: int | None = None,
        record: UploadRecord | None = None,
    ) -> None:
        self._storage = storage
        self._address = address
        self._path = path
        self._plan = plan
        self._metadata = metadata
        self._observer = observer
        self._resumes = resumes
        self._total_bytes = total_bytes
        self._record = record or UploadRecord()
        self._retries = Retries(clock, lambda: self._is_over or self._failure is not None)
        self._changed = threading.Condition()
        self._running = 0
        self._is_over = False
        self._failure: BaseException | None = None
        self._available = 0
        self._size_bytes: int | None = None
        self._may_end = False  # the first part may be sent
        self._next_number = 2
        self._is_first_taken = False
        self._etags: dict[int, str] = {}
        self._positions: dict[int, int] = {}
        self._sent_bytes = self._told_bytes = 0
        self._has_parts = False  # of an earlier run
        self._is_settled = False  # completed or abandoned: nothing of it is left in the store
        self._completed_by_another: Completed | None = None
        self._others: tuple[OpenUpload, ...] = ()
        self.upload_id = ""

    def __enter__(self) -> Self:
        remains = self._find_or_begin()
        self.upload_id, self._others = remains.upload_id, remains.others
        sender = PartSender(
            self._storage, self._address, self.upload_id, self._path, remains.parts, self._retries, self._advance
        )
        self._observer.work_started(WORK, self._total_bytes)
        self._has_parts = bool(remains.parts)
        self._running = self._plan.parallel
        for number in range(self._plan.parallel):
            threading.Thread(target=self._work, args=(sender,), name=f"upload-{number}", daemon=True).start()
        return self

    def make_available(self, end: int) -> None:
        """Tell that the bytes [0, end) of the file are final, except those of the first part; returns at once."""
        with self._changed:
            self._available = max(end, self._available)
            self._changed.notify_all()
            if isinstance(self._failure, StoreFailure) and self._failure.code == "NoSuchUpload":
                return  # perhaps somebody else completed it: `finish` can tell
            if self._failure is not None:
                raise self._failure

    def make_all_available(self, size_bytes: int) -> None:
        """Tell that the whole file is final, but that its first part must wait for `finish`; returns at once."""
        with self._changed:
            self._size_bytes = size_bytes
        self.make_available(size_bytes)

    def finish(self, size_bytes: int) -> None:
        """Tell that the whole file is final, and return when the store has all parts; the first is sent last."""
        count = self._plan.count(size_bytes)
        with self._changed:
            self._size_bytes = size_bytes
            self._may_end = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failure is not None or len(self._etags) == count)
            failure = self._failure
            if failure is not None:
                self._changed.wait_for(lambda: self._running == 0, _SECONDS_TO_SETTLE)
        if isinstance(failure, StoreFailure) and failure.code == "NoSuchUpload":
            self._completed_by_another = find_kept(self._storage, self._promise)
        if failure is not None and self._completed_by_another is None:
            raise failure
        self._observer.work_finished(WORK)

    def complete(self, *, replaces: bool = False) -> Completed:
        """Make the object and return what the store shows of it; call `finish` before.

        `replaces` allows to overwrite an object of that name. One with the same content that appeared meanwhile is as
        good as ours. Raises `IntegrityError` when the store shows something else.
        """
        completed = self._completed_by_another or complete_upload(
            self._storage, self._promise, self.upload_id, self._etags, self._retries, replaces=replaces
        )
        self._settle(is_object=True)
        self._abort(self._others)
        return completed

    def abandon(self) -> None:
        """Delete the parts from the store, for content that is wrong; a failure to do so is only a warning."""
        self._stop()
        self._settle(is_object=False)
        try:
            self._storage.abort(self._address, self.upload_id)
        except StorageError as error:
            self._observer.warned(f"parts of {self._address} are left in the store: {error.message}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()
        if not self._is_settled and not self._was_removed_empty():
            self._observer.noted(
                "the parts that were sent are kept for the next run; `byoi-tools objects gc` removes them"
            )

    @property
    def _promise(self) -> Promise:
        if self._size_bytes is None:
            raise ValueError("the size is known when finish was called")
        return Promise(self._address, self._size_bytes, self._metadata)

    def _find_or_begin(self) -> Remains:
        remains = None
        remembered = self._record.last_begun(self._address)
        if self._resumes:
            remains = find_remains(self._storage, self._address, self._retries, remembered)
        if remains is None:
            if not self._resumes:
                self._abort(self._all_open(remembered))
            upload_id = self._retries.run(lambda: self._storage.create(self._address, self._metadata))
            self._record.begun(self._address, upload_id)
            return Remains(upload_id, {}, ())
        if remembered is None or remembered.upload_id != remains.upload_id:
            self._record.begun(self._address, remains.upload_id)
        if remains.parts:
            self._observer.noted(f"an earlier upload of {self._address} goes on: it has {len(remains.parts)} parts")
        return remains

    def _all_open(self, remembered: OpenUpload | None) -> set[OpenUpload]:
        """The uploads of this key that the store lists, and the one that was remembered."""
        return {*list_uploads(self._storage, self._address, self._retries), *([remembered] if remembered else [])}

    def _settle(self, *, is_object: bool) -> None:
        self._is_settled = True
        self._record.ended(self._address, is_object=is_object)

    def _abort(self, uploads: Iterable[OpenUpload]) -> None:
        """End uploads that nobody needs; a run that still sends to one of them will find the object that it makes."""
        for upload in uploads:
            try:
                self._storage.abort(upload.address, upload.upload_id)
            except StorageError as error:
                self._observer.warned(f"parts of {self._address} are left in the store: {error.message}")

    def _work(self, sender: PartSender) -> None:
        try:
            while (part := self._take()) is not None:
                etag = sender.send(part)
                with self._changed:
                    self._etags[part.number] = etag
                    self._changed.notify_all()
        except BaseException as error:  # it is raised again where the caller waits
            with self._changed:
                self._failure = self._failure or error
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def _take(self) -> FilePart | None:
        """Wait for a part that can be sent; None when none will come any more."""
        with self._changed:
            while not self._is_over and self._failure is None and not self._is_first_taken:
                part = self._ready_part()
                if part is not None:
                    return part
                self._changed.wait()
        return None

    def _ready_part(self) -> FilePart | None:
        end = self._size_bytes if self._size_bytes is not None else self._available
        part = self._plan.part(self._next_number, end)
        if part.length == self._plan.part_bytes or (self._size_bytes is not None and part.length > 0):
            self._next_number += 1
            return part
        if not self._may_end:
            return None
        self._is_first_taken = True
        return self._plan.part(1, end)

    def _was_removed_empty(self) -> bool:
        """Abort an upload that has no part, unless that would mean to wait for a store that does not answer."""
        is_away = isinstance(self._failure, StoreFailure) and self._failure.may_pass
        if self._has_parts or self._etags or self._running or is_away:
            return False
        try:
            self._storage.abort(self._address, self.upload_id)
        except StorageError:
            return False
        self._record.ended(self._address, is_object=False)
        return True

    def _advance(self, part: FilePart, position: int) -> None:
        if self._is_over:
            raise _Stopped
        with self._changed:
            self._sent_bytes += position - self._positions.get(part.number, 0)
            self._positions[part.number] = position
            if self._sent_bytes > self._told_bytes:  # it goes back when a part is sent again
                self._told_bytes = self._sent_bytes
                self._observer.work_advanced(WORK, self._told_bytes)

    def _stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._running == 0, _SECONDS_TO_STOP)
