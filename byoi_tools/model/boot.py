"""How firmware starts a system: the boot mode of an image or a server."""

from __future__ import annotations

from enum import Enum


class BootMode(Enum):
    """How the server's firmware starts the disk."""

    UEFI = "uefi"
    LEGACY = "legacy"


class Product(Enum):
    """Which of the provider's two products installs the image."""

    BYOI = "byoi"
    BYOLINUX = "byolinux"

    @property
    def template(self) -> str:
        """The product's name in the provider's API (`operatingSystem`)."""
        return {"byoi": "byoi_64", "byolinux": "byolinux_64"}[self.value]
