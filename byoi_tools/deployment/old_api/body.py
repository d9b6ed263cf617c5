"""The body of `POST /dedicated/server/{serviceName}/bringYourOwnImage`, in the form of the 2020 guides.

Sources: OVH's guide "How to use the Bring Your Own Image feature" (22 July 2020), whose table has twelve fields: the
server's name, which is in the route, and the eleven of the body; OVH's API description of that year for their types.
The later form, with a `configdrive` object around four of them, is not sent.
"""

from __future__ import annotations

from byoi_tools.deployment.reinstall.payload import ssh_key_line
from byoi_tools.model.deployment.order import InstallOrder, Reinstallation
from byoi_tools.model.deployment.planned import TemplateInput
from byoi_tools.tools.ovh.api import Json

TYPES = ("qcow2", "raw", "ova")
OLD_INPUTS = (
    TemplateInput("URL", True, False, ()),
    TemplateInput("checkSum", True, False, ()),
    TemplateInput("checkSumType", True, False, ("md5", "sha1", "sha256", "sha512")),
    TemplateInput("description", False, False, ()),
    TemplateInput("diskGroupId", False, False, ()),
    TemplateInput("hostname", True, False, ()),
    TemplateInput("httpHeader", False, False, ()),
    TemplateInput("sshKey", True, False, ()),
    TemplateInput("type", True, False, TYPES),
    TemplateInput("userData", False, False, ()),
    TemplateInput("userMetadatas", False, False, ()),
)
_NEW_EACH_TIME = ("URL", "httpHeader")


def old_api_body(reinstallation: Reinstallation) -> dict[str, Json]:
    """Write the body; it reveals the URL and the headers, so it goes to the API and nowhere else.

    Pairs are lists of `{"key", "value"}` (`complexType.SafeKeyValue`). The user data is text as the user wrote it: this
    API calls it a script and nowhere asks for base64. Raises `UnicodeDecodeError` for user data that is no UTF-8.
    """
    image, order = reinstallation.image, reinstallation.order
    fields: dict[str, Json] = {"URL": image.url.reveal(), "type": image.image_type.value}
    if image.checksum is not None:
        fields |= {"checkSum": image.checksum.hexadecimal, "checkSumType": image.checksum.algorithm.value}
    if image.http_headers:
        fields["httpHeader"] = [{"key": name, "value": value.reveal()} for name, value in image.http_headers]
    return fields | _describe_order(order)


def old_api_names(order: InstallOrder, *, has_headers: bool) -> frozenset[str]:
    """The names of the fields that a request for this order will have, whatever the image."""
    of_image = {"URL", "type", "checkSum", "checkSumType", *(("httpHeader",) if has_headers else ())}
    return frozenset(of_image | set(_describe_order(order)))


def compared_fields(body: dict[str, Json]) -> dict[str, Json]:
    """The fields that tell orders apart: URLs and headers are new each time."""
    return {name: value for name, value in body.items() if name not in _NEW_EACH_TIME}


def _describe_order(order: InstallOrder) -> dict[str, Json]:
    wishes = order.customizations
    metadata: list[Json] = [{"key": key, "value": value} for key, value in wishes.metadata]
    fields: dict[str, Json] = {
        "description": order.description or None,
        "diskGroupId": order.disk_group_id,
        "hostname": wishes.hostname or None,
        "sshKey": ssh_key_line(wishes.ssh_key),
        "userData": wishes.user_data.decode("utf-8") if wishes.user_data else None,
        "userMetadatas": metadata or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
