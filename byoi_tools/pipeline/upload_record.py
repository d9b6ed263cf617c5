"""Writes uploads into the receipt before their first part is sent, so that the next run finds them without a list."""

from __future__ import annotations

from datetime import datetime

from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.pipeline.receipt import DONE, FAILED, STARTED, Receipt, stage_key
from byoi_tools.publishing.open_uploads import UploadRecord
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.multipart import OpenUpload

STAGE = "upload"


class ReceiptUploads(UploadRecord):
    """The uploads of an image, in its receipt; raises `StorageError` when that cannot be written."""

    def __init__(self, receipt: Receipt, clock: Clock) -> None:
        self._receipt = receipt
        self._clock = clock

    def last_begun(self, address: ObjectAddress) -> OpenUpload | None:
        """The newest upload of that object, unless it ended. What somebody edited is as if it was not there."""
        key = _key(address)
        entries = [entry for entry in self._receipt.entries() if (entry.stage, entry.key) == (STAGE, key)]
        if not entries or entries[-1].event != STARTED:
            return None
        upload_id = entries[-1].values.get("upload_id")
        try:
            begun = datetime.fromisoformat(entries[-1].time)
        except ValueError:
            return None
        if not isinstance(upload_id, str) or not upload_id or begun.tzinfo is None:
            return None
        return OpenUpload(address, upload_id, begun)

    def begun(self, address: ObjectAddress, upload_id: str) -> None:
        """Remember an upload."""
        values = {"bucket": address.bucket, "object": address.key, "upload_id": upload_id}
        self._receipt.record(self._clock.now(), STAGE, _key(address), STARTED, values)

    def ended(self, address: ObjectAddress, *, is_object: bool) -> None:
        """Forget it: it has become an object, or its parts are deleted."""
        self._receipt.record(self._clock.now(), STAGE, _key(address), DONE if is_object else FAILED)


def _key(address: ObjectAddress) -> str:
    return stage_key(bucket=address.bucket, object=address.key)
