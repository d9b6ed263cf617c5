"""Opens an image wherever it is: a file, a URL, or an object in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from byoi_tools.formats.source import ByteSource
from byoi_tools.model.location import ImageLocation, RegionalObject, WebAddress
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.model.sizes import human_size
from byoi_tools.tools.image_file import open_image

if TYPE_CHECKING:
    from byoi_tools.tools.http.source import HttpSource

_PRESIGNED_FOR = timedelta(hours=12)


class ImageSource(ByteSource, Protocol):
    """The bytes of an image, and what they occupy where they are stored."""

    @property
    def allocated_bytes(self) -> int:
        """How many bytes it takes there."""
        ...


@contextmanager
def open_source(location: ImageLocation, observer: Observer) -> Iterator[ImageSource]:
    """Open an image for reading while the context lasts; the observer is told what was fetched of a remote one.

    Raises `ImageUnreadable` for a file that is none, `StorageError` for what cannot be fetched.
    """
    if isinstance(location, Path):
        with open_image(location) as file:
            yield file
        return
    if isinstance(location, WebAddress) and location.is_exposed:
        observer.warned(f"{location} is not encrypted: on its way the image can be read, and exchanged for another")
    from byoi_tools.tools.clock import SystemClock
    from byoi_tools.tools.http.source import HttpSource

    headers = location.headers if isinstance(location, WebAddress) else ()
    with HttpSource(_url_of(location), str(location), SystemClock(), headers) as source:
        try:
            yield source
        finally:
            observer.noted(_describe(location, source))


def _url_of(location: WebAddress | ObjectAddress | RegionalObject) -> Secret:
    if isinstance(location, WebAddress):
        return location.url
    from byoi_tools.tools.object_store.endpoint import connect_to
    from byoi_tools.tools.object_store.objects import ObjectStorage

    if isinstance(location, RegionalObject):
        return ObjectStorage(connect_to(location.endpoint)).presign_get(location.address, _PRESIGNED_FOR)
    return ObjectStorage().presign_get(location, _PRESIGNED_FOR)


def _describe(location: ImageLocation, source: HttpSource) -> str:
    share = 100 * source.fetched_bytes / source.size_bytes
    fetched, size = human_size(source.fetched_bytes), human_size(source.size_bytes)
    return f"{location}: {fetched} of {size} ({share:.1f} %) fetched in {source.requests} requests"
