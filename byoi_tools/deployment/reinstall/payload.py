"""The body of `POST /dedicated/server/{serviceName}/reinstall` (`dedicated.server.Reinstall` of OVH's OpenAPI)."""

from __future__ import annotations

import base64

from byoi_tools.deployment.reinstall.partitioning import describe_partitioning
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import Customizations, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from byoi_tools.tools.ovh.api import Json

UNUSED_LOADER_PATH = r"\EFI\BOOT\BOOTX64.EFI"


def reinstall_body(reinstallation: Reinstallation) -> dict[str, Json]:
    """Write the body; it reveals the URL and the headers, so it goes to the API and nowhere else.

    Bring Your Own Image always has an `efiBootloaderPath`: OVHcloud's guides (2026-05) call it mandatory and name no
    exception for servers that boot legacy. Where nobody gave one, it is the path that UEFI falls back to; legacy
    firmware does not use it. Bring Your Own Linux has one only when it was given ("only imageURL is mandatory"), and no
    `imageType`, which its guide does not know: it takes qcow2 alone.
    """
    order = reinstallation.order
    is_byoi = order.product is Product.BYOI
    loader_path = order.loader_path or (UNUSED_LOADER_PATH if is_byoi else None)
    customizations: dict[str, Json] = {
        **_describe_image(reinstallation.image),
        **({"imageType": reinstallation.image.image_type.value} if is_byoi else {}),
        **({"efiBootloaderPath": loader_path} if loader_path else {}),
        **_describe_config_drive(order.customizations),
    }
    body: dict[str, Json] = {"operatingSystem": order.product.template, "customizations": customizations}
    storage = _describe_storage(order)
    return body | ({"storage": [storage]} if storage else {})


def _describe_storage(order: InstallOrder) -> dict[str, Json]:
    """The one element that the API takes."""
    storage: dict[str, Json] = {}
    if order.disk_group_id is not None:
        storage["diskGroupId"] = order.disk_group_id
    if order.partitioning is not None:
        storage["partitioning"] = describe_partitioning(order.partitioning)
    return storage


def customization_names(order: InstallOrder, *, has_headers: bool) -> frozenset[str]:
    """The names of the customizations that a request for this order will have, whatever the image."""
    headers = (("name", Secret("")),) if has_headers else ()
    image = ImageSource(Secret(""), ImageType.QCOW2, Digest(DigestAlgorithm.SHA512, "0" * 128), headers)
    customizations = reinstall_body(Reinstallation(order, image))["customizations"]
    return frozenset(customizations) if isinstance(customizations, dict) else frozenset()


def encode_user_data(user_data: bytes) -> str:
    """Base64 on a single line, always: clear text is escape-processed by the provider, which corrupts YAML."""
    return base64.b64encode(user_data).decode("ascii")


def ssh_key_line(key: str | None) -> str | None:
    """The key as the provider takes it, without the line end of its file; None without one."""
    return key.strip() if key else None


def _describe_image(image: ImageSource) -> dict[str, Json]:
    fields: dict[str, Json] = {"imageURL": image.url.reveal()}
    if image.checksum is not None:
        fields["imageCheckSum"] = image.checksum.hexadecimal
        fields["imageCheckSumType"] = image.checksum.algorithm.value
    if image.http_headers:
        fields["httpHeaders"] = {name: value.reveal() for name, value in image.http_headers}
    return fields


def _describe_config_drive(wishes: Customizations) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    if wishes.hostname:
        fields["hostname"] = wishes.hostname
    if key := ssh_key_line(wishes.ssh_key):
        fields["sshKey"] = key
    if wishes.user_data:
        fields["configDriveUserData"] = encode_user_data(wishes.user_data)
    if wishes.metadata:
        fields["configDriveMetadata"] = dict(wishes.metadata)
    return fields
