from __future__ import annotations

from urllib.parse import quote

import pytest

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.publishing.object_names import describe_content, describes_same_content, name_object

DIGITS = "0123456789abcdef"
SHA256 = Digest(DigestAlgorithm.SHA256, DIGITS * 4)
MD5 = Digest(DigestAlgorithm.MD5, DIGITS * 2)


@pytest.mark.parametrize(
    ("file_name", "stem"),
    [
        ("debian.qcow2", "debian"),
        ("debian-12.5", "debian-12.5"),
        ("debian-12.5.IMG", "debian-12.5"),
        ("my image (final).raw", "my-image-final"),
        ("Débian für alle.qcow2", "Debian-fur-alle"),
        ("日本語.qcow2", "image"),
        (".qcow2", "qcow2"),
        ("..", "image"),
        ("", "image"),
        ("../../etc/passwd", "passwd"),
        ("a?b=c&d#e%2f.raw", "a-b-c-d-e-2f"),
        ("x\n\x1b[2J\x00.raw", "x-2J"),
        ("$(reboot)`id`.raw", "reboot-id"),
        ("-rf.raw", "rf"),
        ("a\udcff.raw", "a"),
        ("n" * 300 + ".raw", "n" * 100),
    ],
)
def test_name_is_safe_and_content_addressed(file_name: str, stem: str) -> None:
    name = name_object(file_name, SHA256, ImageType.QCOW2)

    assert name == f"{stem}-{DIGITS}.qcow2"
    assert quote(name, safe="") == name


def test_suffix_is_the_type_that_is_sent() -> None:
    assert name_object("disk.qcow2", SHA256, ImageType.RAW) == f"disk-{DIGITS}.raw"


def test_metadata_names_size_and_digests() -> None:
    assert describe_content(1234, (SHA256, MD5)) == {
        "byoi-size-bytes": "1234",
        "byoi-sha256": DIGITS * 4,
        "byoi-md5": DIGITS * 2,
    }


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (describe_content(1234, (SHA256,)), True),
        (describe_content(1234, (SHA256, MD5)) | {"other": "x"}, True),
        (describe_content(1235, (SHA256,)), False),
        (describe_content(1234, (MD5,)), False),
        (describe_content(1234, (Digest(DigestAlgorithm.SHA256, DIGITS * 3 + "0" * 16),)), False),
        ({}, False),
    ],
)
def test_same_content_needs_same_size_and_sha256(stored: dict[str, str], same: bool) -> None:
    assert describes_same_content(describe_content(1234, (SHA256, MD5)), stored) is same
