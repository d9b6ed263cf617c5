"""Tries a presigned URL as its downloader will use it, before it is handed on."""

from __future__ import annotations

from byoi_tools.errors import IntegrityError
from byoi_tools.model.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.tools.http_probe import fetch_range

_SAMPLE_BYTES = 4096


def try_url(url: Secret, address: ObjectAddress, source: SourceFile) -> None:
    """Return when ranged GETs of the URL bring the first and the last bytes of the file, and its size.

    Raises `StorageError` when nothing can be fetched, and `IntegrityError` when it is something else.
    """
    last = source.size_bytes - 1
    for first, end in ((0, min(_SAMPLE_BYTES - 1, last)), (max(0, last - _SAMPLE_BYTES + 1), last)):
        answer = fetch_range(url, first, end)
        if answer.total_bytes != source.size_bytes:
            raise _mismatch(address, f"it has {answer.total_bytes} bytes, the file {source.size_bytes}")
        if answer.content != source.read_at(first, end - first + 1):
            raise _mismatch(address, f"bytes {first}-{end} differ from those of the file")


def _mismatch(address: ObjectAddress, details: str) -> IntegrityError:
    return IntegrityError(
        f"the URL of {address} does not bring the image",
        details=details,
        remedy=f"Delete {address} and publish again; if it happens twice, look for a proxy or cache on the way.",
    )
