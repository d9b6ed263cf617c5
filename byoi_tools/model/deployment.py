"""What is asked of the provider: one reinstallation of one server."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import ImageType
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


@dataclass(frozen=True, slots=True)
class Reinstallation:
    """One `POST /dedicated/server/{name}/reinstall`, before it becomes JSON.

    `image_url` may carry a signature and `http_headers` a password, so both are secrets. `disk_group_id` None leaves
    the choice to the provider.
    """

    server: str
    product: Product
    image_url: Secret
    image_type: ImageType
    checksum: Digest | None
    loader_path: str | None
    customizations: Customizations = Customizations()
    http_headers: tuple[tuple[str, Secret], ...] = ()
    disk_group_id: int | None = None


@dataclass(frozen=True, slots=True)
class ImageNeeds:
    """What an image asks of a server; sizes None where only a URL is known, `boot` None where nobody said."""

    boot: BootMode | None
    file_size_bytes: int | None
    virtual_size_bytes: int | None
