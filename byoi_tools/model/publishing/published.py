"""Where a published image is, and how it is fetched."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from pathlib import Path

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """An object in a bucket."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A file that a web server of the user's own serves."""

    path: Path

    @property
    def key(self) -> str:
        """Its name in the directory, as an object's key is one in a bucket."""
        return self.path.name

    def __str__(self) -> str:
        return f"file://{self.path}"


class Verification(Enum):
    """How a URL is tried before it is handed on.

    `RANGES` compares the first, a middle and the last MiB with the file; `FULL` downloads all, as the provider will,
    and compares the SHA-256.
    """

    RANGES = "ranges"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """An object or file that holds the image, the URL that fetches it until `expires_at` (UTC), and its digests.

    `expires_at` None: as long as the file is there. `was_reused` tells that what has this digest and size was already
    there and nothing was uploaded. `sidecars` are the suffixes of what lies beside it, with the manifest (`.json`).
    """

    address: ObjectAddress | FileAddress
    image_type: ImageType
    size_bytes: int
    digests: tuple[Digest, ...]
    url: Secret
    expires_at: datetime | None
    was_reused: bool
    sidecars: tuple[str, ...] = ()
