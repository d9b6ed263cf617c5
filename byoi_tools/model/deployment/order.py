"""What is asked of the provider: one reinstallation of one server."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import SentType
from byoi_tools.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Customizations:
    """What the config drive will hold; it exists only when something here is given.

    `user_data` is the bytes of the file as the user wrote it; `ssh_key` one public key.
    """

    hostname: str | None = None
    ssh_key: str | None = None
    user_data: bytes | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def has_config_drive(self) -> bool:
        """Whether something is given, so that the provider adds the config drive's partition."""
        return bool(self.hostname or self.ssh_key or self.user_data or self.metadata)


class Purpose(Enum):
    """What a consumer key is for; the values are what `login --for` takes."""

    DEPLOY = "deploy"
    CANCEL = "cancel"
    RESCUE = "rescue"
    CONSOLE = "console"
    OLD_API = "bring-your-own-image"
    DELETE = "delete"


class InstallApi(Enum):
    """The provider's two requests that install an image: today's, and that of the 2020 guides (`bringYourOwnImage`)."""

    REINSTALL = "reinstall"
    BRING_YOUR_OWN_IMAGE = "bring-your-own-image"


@dataclass(frozen=True, slots=True)
class InstallOrder:
    """What the user orders for a server, known before the image is published.

    `loader_path` is `efiBootloaderPath`, None when nobody gave one. `disk_group_id` None leaves the choice to the
    provider. `description` is a name for the image, which only the API of the 2020 guides takes; that API is not told
    the loader's path. `partitioning` is for Bring Your Own Linux alone, None for the provider's own.
    """

    server: str
    product: Product
    loader_path: str | None = None
    customizations: Customizations = Customizations()
    disk_group_id: int | None = None
    api: InstallApi = InstallApi.REINSTALL
    description: str | None = None
    partitioning: Partitioning | None = None


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where the provider downloads the image from; the URL may carry a signature and the headers a password."""

    url: Secret
    image_type: SentType
    checksum: Digest | None
    http_headers: tuple[tuple[str, Secret], ...] = ()


@dataclass(frozen=True, slots=True)
class Reinstallation:
    """One request that installs an image, by either API, before it becomes JSON."""

    order: InstallOrder
    image: ImageSource


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """What an image asks of a server; sizes None where only a URL is known, `boot` None where nobody said."""

    boot: BootMode | None
    file_size_bytes: int | None
    virtual_size_bytes: int | None
