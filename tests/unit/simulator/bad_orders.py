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


REFUSALS: list[tuple[Mapping[str, object], int, str, str]] = [
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
        {"operatingSystem": "byolinux_64", "customizations": {"imageURL": URL}},
        500,
        "Server::InternalServerError::TaskCreate",
        "An error has occurred while creating installation task on server ns1.simulated",
    ),
    (order(URL) | {"templateName": "byoi_64"}, 400, "Client::BadRequest", "Unknown parameter templateName"),
    (stored(diskGroupId="1"), 400, "Client::BadRequest", "Invalid parameter diskGroupId"),
    (stored(disks=2), 400, "Client::BadRequest", "Unknown parameter disks"),
    (order(URL) | {"storage": {}}, 400, "Client::BadRequest", "Invalid parameter storage"),
    (order(URL) | {"customizations": []}, 400, "Client::BadRequest", "Invalid parameter customizations"),
    ({"operatingSystem": 64}, 400, "Client::BadRequest", "Missing or invalid parameter operatingSystem"),
]
