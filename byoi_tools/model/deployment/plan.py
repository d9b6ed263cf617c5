"""A plan: one deployment as it was decided, with all that must not change until it is carried out, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.deed import Concern
from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.deployment.server import DiskGroup
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.fact import Fact
from byoi_tools.model.image import ImageType
from byoi_tools.model.publishing.published import Verification
from byoi_tools.model.secret import HIDDEN

_LONGEST_URL_SECONDS = 7 * 24 * 3600  # AWS Signature Version 4, X-Amz-Expires


@dataclass(frozen=True, slots=True)
class PlannedServer:
    """The server as it was seen; its disk groups are in the plan's `erased`."""

    name: str
    boot_modes: Fact[frozenset[BootMode]]
    memory_bytes: Fact[int]
    default_disk_group_id: int | None
    boot_type: Fact[str]
    installed_system: Fact[str]


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """What the server will be installed from, and how its URL is made again.

    `destination` and `public_url` are those of `publish`, `address` is the object or file there. `url_seconds` is how
    long a presigned URL will work, None where none is presigned; `etag` None where the store gives none.
    """

    destination: str
    public_url: str | None
    address: str
    image_type: ImageType
    size_bytes: int
    virtual_size_bytes: int | None
    digests: Mapping[DigestAlgorithm, str]
    etag: str | None
    url_seconds: int | None
    verification: Verification

    def __post_init__(self) -> None:
        if not {DigestAlgorithm.SHA256, DigestAlgorithm.SHA512} <= set(self.digests):
            raise ValueError("digests has sha256 and sha512")
        if not self.all_digests or self.size_bytes < 1:
            raise ValueError("size_bytes is not positive")
        if self.url_seconds is not None and not 60 <= self.url_seconds <= _LONGEST_URL_SECONDS:
            raise ValueError("url_seconds is from 60 to 604800")

    @property
    def all_digests(self) -> tuple[Digest, ...]:
        """The digests as values; raises `ValueError` for one that is none."""
        return tuple(Digest(algorithm, digits) for algorithm, digits in self.digests.items())

    @property
    def sha256(self) -> Digest:
        """The digest that names the object."""
        return Digest(DigestAlgorithm.SHA256, self.digests[DigestAlgorithm.SHA256])


@dataclass(frozen=True, slots=True)
class PlannedUrl:
    """What the server will be installed from where somebody else serves it, and what tells it from something else.

    `url` has no query: that may hold a signature, and `has_query` says that the URL has to be given again. `digests`
    has the one that the user named. `version` is the ETag, else the time of the last modification, empty without
    either; `samples_sha256` is of the first, a middle and the last MiB.
    """

    url: str
    has_query: bool
    image_type: ImageType
    size_bytes: int
    virtual_size_bytes: int | None
    digests: Mapping[DigestAlgorithm, str]
    version: str
    samples_sha256: str
    verification: Verification

    def __post_init__(self) -> None:
        if len(self.all_digests) != 1:
            raise ValueError("digests has one digest")
        if self.size_bytes < 1:
            raise ValueError("size_bytes is not positive")

    @property
    def all_digests(self) -> tuple[Digest, ...]:
        """The digest as a value; raises `ValueError` when it is none."""
        return tuple(Digest(algorithm, digits) for algorithm, digits in self.digests.items())

    @property
    def address(self) -> str:
        """The URL as it is shown."""
        return f"{self.url}?{HIDDEN}" if self.has_query else self.url


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of the user's that will be read again: its absolute path, its size and its SHA-256."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PlannedKey:
    """A file with a public SSH key that will be read again: its absolute path, and the key's fingerprint."""

    path: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """What the request will say besides the image; of user data and headers what tells them, never their content."""

    api: InstallApi
    product: Product
    efi_bootloader_path: str | None
    disk_group: int | None
    hostname: str | None
    ssh_key: PlannedKey | None
    user_data: PlannedFile | None
    metadata: Mapping[str, str]
    http_header_names: tuple[str, ...]
    description: str | None
    partitioning: Partitioning | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the checks said when the plan was made: `verdict` is `passed`, and what did not pass is in `concerns`."""

    profile: str
    boot: BootMode
    verdict: str
    concerns: tuple[Concern, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One deployment, decided at `made` by a version of byoi-tools, to be carried out until `valid_until`.

    `erased` are all disk groups of the server: the installation erases every one, not only the one that it writes.
    """

    tool_version: str
    made: datetime
    valid_until: datetime
    server: PlannedServer
    erased: Fact[tuple[DiskGroup, ...]]
    image: PlannedObject | PlannedUrl
    order: PlannedOrder
    judgement: Judgement
