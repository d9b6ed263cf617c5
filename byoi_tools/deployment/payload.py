"""The body of `POST /dedicated/server/{serviceName}/reinstall` (`dedicated.server.Reinstall` of OVH's OpenAPI)."""

from __future__ import annotations

import base64

from byoi_tools.model.deployment import Customizations, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from byoi_tools.tools.ovh_api import Json

UNUSED_LOADER_PATH = r"\EFI\BOOT\BOOTX64.EFI"


def reinstall_body(reinstallation: Reinstallation) -> dict[str, Json]:
    """Write the body; it reveals the URL and the headers, so it goes to the API and nowhere else.

    `efiBootloaderPath` is always there: OVHcloud's guides (2026-05) call it mandatory and name no exception for servers
    that boot legacy. Where nobody gave one, it is the path that UEFI falls back to; legacy firmware does not use it.
    """
    order = reinstallation.order
    customizations: dict[str, Json] = {
        **_describe_image(reinstallation.image),
        "efiBootloaderPath": order.loader_path or UNUSED_LOADER_PATH,
        **_describe_config_drive(order.customizations),
    }
    body: dict[str, Json] = {"operatingSystem": order.product.template, "customizations": customizations}
    if order.disk_group_id is not None:
        body["storage"] = [{"diskGroupId": order.disk_group_id}]
    return body


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
    fields: dict[str, Json] = {"imageURL": image.url.reveal(), "imageType": image.image_type.value}
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
