"""What is known of a published object: its digests, what it was made of and how, and what was thought of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """The user's image: the name of its file without a directory, and what was read of it.

    `content` is the SHA-256 that names the guest-visible content (of conversions by our own writer), else None.
    """

    name: str
    format: ImageFormat
    virtual_size_bytes: int | None = None
    content: Digest | None = None


@dataclass(frozen=True, slots=True)
class ManifestVerdict:
    """What the check before the publication said of the image, for which profile and boot mode."""

    profile: str
    boot: BootMode
    has_passed: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is written beside a published object as `KEY.json`.

    `object_name` is the last segment of the object's key. `digests` are those of the stored bytes, SHA-256 among them.
    `run_id` is that in the object's own metadata: it binds the two. `conversion` has the options that made the bytes
    (compression, cluster size, engine), and is None for a file that was published as it is. `tools` has versions by
    the names of programs and libraries. `created` is in UTC.
    """

    object_name: str
    image_type: ImageType
    size_bytes: int
    digests: tuple[Digest, ...]
    run_id: str
    created: datetime
    source: ManifestSource
    tools: Mapping[str, str]
    etag: str | None = None
    conversion: Mapping[str, str | int] | None = None
    verdict: ManifestVerdict | None = None

    def digest(self, algorithm: DigestAlgorithm) -> Digest | None:
        """The digest of that algorithm, or None when it is not among them."""
        return next((digest for digest in self.digests if digest.algorithm is algorithm), None)
