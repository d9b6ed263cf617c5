"""Orders that OVH refuses, each with the status, the class and the beginning of the message."""

from __future__ import annotations

from collections.abc import Mapping

from tests.unit.simulator.outside import SSH_KEY, order

URL = "https://images.example.org/debian.qcow2?X-Amz-Signature=abc"
FORMAT = "Client::BadRequest::CustomizationInvalidFormat"
HOSTNAME = "Client::BadRequest::HostnameInvalidFormat"
SIZE = "Client::BadRequest::CustomizationSizeExceeded"


def without(name: str) -> dict[str, object]:
    body = order(URL)
    customizations = body["customizations"]
    assert isinstance(customizations, dict)
    del customizations[name]
    return body


def stored(**storage: object) -> dict[str, object]:
    return order(URL) | {"storage": [storage]}


def linux(*layout: Mapping[str, object], **partitioning: object) -> dict[str, object]:
    """Return an order for Bring Your Own Linux with a layout."""
    wishes = partitioning | ({"layout": list(layout)} if layout else {})
    customizations = {"imageURL": URL}
    return {
        "operatingSystem": "byolinux_64",
        "customizations": customizations,
        "storage": [{"partitioning": wishes}],
    }


def item(path: str, kind: str = "ext4", **more: object) -> dict[str, object]:
    """Return one item of a layout."""
    return {"mountPoint": path, "fileSystem": kind, **more}


ROOT = item("/")
_AT_2 = "at position 2 in diskGroup 1"
# What OVH refuses in a layout: the order, the class without its beginning, a word of the message.
BAD_LAYOUTS: list[tuple[dict[str, object], int, str, str]] = [
    (linux(layout=[]), 400, "PartitionLength", "Number of partitions defined in the layout is incorrect (0)"),
    (linux(item("/srv")), 400, "PartitionMissingRootMountpoint", "mountPoint / missing for operating system byolinux_"),
    (linux(ROOT, item("/")), 400, "PartitionDuplicatedAttribute", "mountPoint value / must be unique for partition /"),
    (linux(ROOT, item("srv")), 400, "PartitionInvalidUnixMountpointPrefix", "mountPoint value srv is invalid (Unix-"),
    (linux(ROOT, item("/a b")), 400, "PartitionInvalidUnixMountpoint", "mountPoint value /a b is invalid (Unix-style"),
    (linux(ROOT, item("/srv/")), 400, "PartitionForbiddenMountpointSuffix", "mountPoint value /srv/ cannot end with"),
    (linux(ROOT, item("/a/../b")), 400, "PartitionForbiddenMountpointCanonical", "mountPoint value /a/../b must be a "),
    (linux(ROOT, item("/proc")), 400, "PartitionForbiddenMountpoint", "mountPoint value /proc is forbidden (must be "),
    (linux(item("/", "ntfs")), 400, "PartitionIncompatibleFs", "fileSystem value ntfs is not compatible for operating"),
    (linux(item("/", raidLevel=3)), 400, "PartitionRaidLevel", "raidLevel value 3 must be one of 0, 1, 5, 6, 7, 10"),
    (linux(item("/", raidLevel=7)), 400, "PartitionIncompatibleRaidLevel", "raidLevel value 7 must be one of 0, 1, 5"),
    (
        linux(ROOT, item("/s", size=-1)),
        400,
        "PartitionMinSize",
        f"size value -1 MiB must be bigger than 0 for partition /s {_AT_2}",
    ),
    (
        linux(ROOT, item("/s", extras={"lv": {"name": "a-b"}})),
        400,
        "PartitionInvalidLvName",
        "lv.name value a-b is invalid (length",
    ),
    (
        linux(ROOT, item("/s", "zfs", extras={"lv": {"name": "a"}})),
        400,
        "PartitionIncompatibleParams",
        "fileSystem value zfs incompatible with lv.name",
    ),
    (
        linux(ROOT, item("/s", "zfs", extras={"zp": {"name": "0"}})),
        400,
        "PartitionInvalidZpName",
        "zp.name value 0 is invalid (if specified,",
    ),
    (
        linux(
            ROOT,
            item("/a", "zfs", extras={"zp": {"name": "tank"}}),
            item("/b", "zfs", raidLevel=0, extras={"zp": {"name": "tank"}}),
        ),
        400,
        "PartitionDuplicatedZpName",
        "zp.name value tank already exists for another ZFS partition",
    ),
    (linux(ROOT, disks=3), 409, "PartitioningTooManyDisks", "Partitioning involving more disks (3) than the diskGroup"),
    (linux(ROOT, schemeName="odd"), 404, "SchemeName", "Partition scheme odd not found for operating system byolinux"),
]
_SIDES = {400: "Client::BadRequest", 404: "Client::NotFound", 409: "Client::Conflict"}

REFUSALS: list[tuple[Mapping[str, object], int, str, str]] = [
    *((body, status, f"{_SIDES[status]}::{name}", message) for body, status, name, message in BAD_LAYOUTS),
    (
        order(URL, image_url="https://x"),
        400,
        "Client::BadRequest::CustomizationName",
        "Customization image_url doesn't exist for operating system byoi_64",
    ),
    (
        order(URL, postInstallationScript="#!/bin/sh"),
        400,
        "Client::BadRequest::CustomizationName",
        "Customization postInstallationScript doesn't exist for operating system byoi_64",
    ),
    (without("imageURL"), 400, FORMAT, "Invalid customization format for imageURL of type url: "),
    (without("imageType"), 400, FORMAT, "Invalid customization format for imageType of type enum: "),
    (without("efiBootloaderPath"), 400, FORMAT, "Invalid customization format for efiBootloaderPath of type "),
    (order("ftp://x/y"), 400, FORMAT, "Invalid customization format for imageURL of type url: "),
    (order("file:///etc/passwd"), 400, FORMAT, "Invalid customization format for imageURL of type url: "),
    (order("http://[::1/x"), 400, FORMAT, "Invalid customization format for imageURL of type url: "),
    (order(URL, imageType="vmdk"), 400, FORMAT, "Invalid customization format for imageType of type enum: "),
    (order(URL, imageCheckSumType="crc32"), 400, FORMAT, "Invalid customization format for imageCheckSumType"),
    (order(URL, imageCheckSum=None), 400, FORMAT, "Invalid customization format for imageCheckSum of type "),
    (order(URL, httpHeaders="A: b"), 400, FORMAT, "Invalid customization format for httpHeaders of type keyValue"),
    (order(URL, httpHeaders={"A": 1}), 400, FORMAT, "Invalid customization format for httpHeaders of type keyVa"),
    (order(URL, configDriveMetadata=["a"]), 400, FORMAT, "Invalid customization format for configDriveMetadata"),
    (order(URL, sshKey="ssh-rsa"), 400, FORMAT, "Invalid customization format for sshKey of type "),
    (order(URL, sshKey="ssh-rsa AAAA me"), 400, FORMAT, "Invalid customization format for sshKey of type "),
    (order(URL, sshKey=f"{SSH_KEY}\n{SSH_KEY}"), 400, FORMAT, "Invalid customization format for sshKey of type "),
    (order(URL, hostname="-tux"), 400, HOSTNAME, "Invalid hostname -tux; must contain no more than 63 characters"),
    (order(URL, hostname="9lives"), 400, HOSTNAME, "Invalid hostname 9lives; must contain no more than 63 "),
    (order(URL, hostname="mon_tux.example.org"), 400, HOSTNAME, "Invalid hostname mon_tux; must contain no more"),
    (order(URL, hostname="a" * 64), 400, HOSTNAME, f"Invalid hostname {'a' * 64}; must contain no more than 63 "),
    (
        order(URL, hostname="a." * 128),
        400,
        "Client::BadRequest::HostnameSizeExceeded",
        "Hostname provided is 256 length. It shall not be longer than 255 characters, see RFC 1035, section 2.3.4",
    ),
    (
        order(URL, configDriveUserData="x" * (2**20 + 1)),
        400,
        SIZE,
        "Customization is 1048577 big, which is exceeding limit of 1048576",
    ),
    (
        order(URL) | {"operatingSystem": "plan9_64"},
        404,
        "Client::NotFound::OperatingSystem",
        "Operating system plan9_64 could not be found",
    ),
    (
        stored(diskGroupId=7),
        404,
        "Client::NotFound::DiskGroup",
        "diskGroup 7 could not be found on server ns1.simulated",
    ),
    (
        stored(diskGroupId=3),
        400,
        "Client::BadRequest::DiskGroup",
        "diskGroup 3 is not installable on server ns1.simulated",
    ),
    (
        order(URL) | {"storage": [{}, {}]},
        501,
        "Server::NotImplemented::DiskGroupMultipleConfigs",
        "Multiple (2) disk groups customization not implemented",
    ),
    (
        stored(partitioning={"layout": [{"fileSystem": "ext4", "mountPoint": "/"}]}),
        400,
        "Client::BadRequest::PartitionIncompatibleCustomPartitioning",
        "Operating system  byoi_64 doesn't support custom partitioning layout in diskGroup 1",
    ),
    (
        stored(hardwareRaid=[{"raidLevel": 1}]),
        409,
        "Client::Conflict::HardwareRaidIncompatibleOnServer",
        "Hardware RAID is not supported by server ns1.simulated",
    ),
    (
        {"operatingSystem": "byolinux_64", "customizations": {"imageURL": URL, "imageType": "qcow2"}},
        400,
        "Client::BadRequest::CustomizationName",
        "Customization imageType doesn't exist for operating system byolinux_64",
    ),
    (order(URL) | {"templateName": "byoi_64"}, 400, "Client::BadRequest", "Unknown parameter templateName"),
    (stored(diskGroupId="1"), 400, "Client::BadRequest", "Invalid parameter diskGroupId"),
    (stored(disks=2), 400, "Client::BadRequest", "Unknown parameter disks"),
    (order(URL) | {"storage": {}}, 400, "Client::BadRequest", "Invalid parameter storage"),
    (order(URL) | {"customizations": []}, 400, "Client::BadRequest", "Invalid parameter customizations"),
    ({"operatingSystem": 64}, 400, "Client::BadRequest", "Missing or invalid parameter operatingSystem"),
]
