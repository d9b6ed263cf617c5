"""The body of the reinstallation, against the verbatim example of OVHcloud's guide (Bring Your Own Image, 2026-05)."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from byoi_tools.deployment.reinstall.payload import customization_names, encode_user_data, reinstall_body
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import Customizations, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.partitioning import LayoutItem, Partitioning
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from tests.unit.deployment.examples import ORDER, REINSTALLATION, SOURCE

DIGITS = "2cbd3dd5" * 16
GUIDE = r"""
{ "operatingSystem": "byoi_64",
  "customizations": {
    "hostname": "mon-tux",
    "imageURL": "https://example.net/debian-11-generic-amd64.raw",
    "imageType": "raw",
    "sshKey": "ssh-rsa AAAA",
    "efiBootloaderPath": "\\efi\\debian\\grubx64.efi",
    "imageCheckSum": "DIGITS", "imageCheckSumType": "sha512",
    "httpHeaders": { "Authorization": "Basic bG9naW46cGFzc3dvcmQ=" },
    "configDriveUserData": "I2Nsb3VkLWNvbmZpZwo=" } }
""".replace("DIGITS", DIGITS)


def test_the_body_is_that_of_the_guide() -> None:
    reinstallation = Reinstallation(
        InstallOrder(
            "ns1.example.net",
            Product.BYOI,
            r"\efi\debian\grubx64.efi",
            Customizations("mon-tux", "ssh-rsa AAAA\n", b"#cloud-config\n"),
        ),
        ImageSource(
            Secret("https://example.net/debian-11-generic-amd64.raw"),
            ImageType.RAW,
            Digest.parse(f"SHA512:{DIGITS.upper()}"),
            (("Authorization", Secret("Basic bG9naW46cGFzc3dvcmQ=")),),
        ),
    )
    assert reinstall_body(reinstallation) == json.loads(GUIDE)


def test_what_is_not_given_is_not_sent() -> None:
    order = InstallOrder("ns1.example.net", Product.BYOLINUX, r"\EFI\x.efi")
    source = ImageSource(Secret("https://example.net/i"), ImageType.QCOW2, None)
    assert reinstall_body(Reinstallation(order, source)) == {
        "operatingSystem": "byolinux_64",
        "customizations": {
            "imageURL": "https://example.net/i",
            "efiBootloaderPath": r"\EFI\x.efi",
        },
    }


def test_a_layout_goes_into_the_only_storage() -> None:
    layout = (
        LayoutItem("ext4", "/boot", 1000, 1),
        LayoutItem("zfs", "/", zp_name="poule", raid_level=5),
        LayoutItem("xfs", "/var", 2000, lv_name="data"),
    )
    order = replace(ORDER, product=Product.BYOLINUX, disk_group_id=2, partitioning=Partitioning(layout, 3, "default"))
    assert reinstall_body(Reinstallation(order, SOURCE))["storage"] == [
        {
            "diskGroupId": 2,
            "partitioning": {
                "disks": 3,
                "schemeName": "default",
                "layout": [
                    {"fileSystem": "ext4", "mountPoint": "/boot", "size": 1000, "raidLevel": 1},
                    {
                        "fileSystem": "zfs",
                        "mountPoint": "/",
                        "size": 0,
                        "raidLevel": 5,
                        "extras": {"zp": {"name": "poule"}},
                    },
                    {"fileSystem": "xfs", "mountPoint": "/var", "size": 2000, "extras": {"lv": {"name": "data"}}},
                ],
            },
        }
    ]


def test_the_disk_group_and_metadata_are_sent() -> None:
    body = reinstall_body(replace(REINSTALLATION, order=replace(ORDER, disk_group_id=2)))
    assert body["storage"] == [{"diskGroupId": 2}]
    customizations = body["customizations"]
    assert isinstance(customizations, dict)
    assert customizations["configDriveMetadata"] == {"role": "database"}


def test_a_legacy_order_without_a_loader_sends_one_all_the_same() -> None:
    body = reinstall_body(Reinstallation(replace(ORDER, loader_path=None), SOURCE))
    customizations = body["customizations"]
    assert isinstance(customizations, dict)
    assert customizations["efiBootloaderPath"] == r"\EFI\BOOT\BOOTX64.EFI"


def test_user_data_is_one_line_of_base64_that_keeps_every_byte() -> None:
    data = bytes(range(256)) * 9
    encoded = encode_user_data(data)
    assert "\n" not in encoded
    assert base64.b64decode(encoded, validate=True) == data


def test_the_names_that_will_be_sent_are_those_of_the_body() -> None:
    body = reinstall_body(REINSTALLATION)["customizations"]
    assert isinstance(body, dict)
    assert customization_names(ORDER, has_headers=True) == set(body)
    bare = InstallOrder("ns1", Product.BYOI)
    assert customization_names(bare, has_headers=False) == {
        "imageURL",
        "imageType",
        "imageCheckSum",
        "imageCheckSumType",
        "efiBootloaderPath",
    }
