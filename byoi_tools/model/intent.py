"""What the user wants to do with an image: the product, the boot mode, and the server as far as it is known."""

from __future__ import annotations

from datetime import date

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Fact, NotExamined
from byoi_tools.model.image import ImageType

_NO_SERVER = NotExamined("no server is named")
_NO_DAY = NotExamined("nobody said what day it is")


@dataclass(frozen=True, slots=True)
class Target:
    """The server that the image is for; a fact is not examined until somebody names the server or its size.

    `disk_bytes` is the size of the first disk of the group that will be written, `sector_size_bytes` its sector's.
    `raid_controller` is what the provider calls the controller of that group, empty where it has none.
    """

    memory_bytes: Fact[int] = _NO_SERVER
    disk_bytes: Fact[int] = _NO_SERVER
    sector_size_bytes: Fact[int] = _NO_SERVER
    raid_controller: Fact[str] = _NO_SERVER


@dataclass(frozen=True, slots=True)
class Intent:
    """What will be done with the image.

    `loader_path` is `efiBootloaderPath` as the user declares it, None when it is to be found in the ESP.
    `image_type` is the declared type: of the command line, else of the file's suffix, None when neither says.
    `user_data` is the content of the user data, None without any. `today` is the day on which the image is judged.
    """

    product: Product
    boot: BootMode
    loader_path: str | None = None
    image_type: ImageType | None = None
    user_data: bytes | None = None
    target: Target = Target()
    today: Fact[date] = _NO_DAY
