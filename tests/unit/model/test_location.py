from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.location import RegionalObject, WebAddress, parse_location, require_file, suffix_of
from byoi_tools.model.publishing.published import ObjectAddress


@pytest.mark.parametrize("text", ["image.raw", "./s3://x/y", "/a/b:c", "s3:x", "a b.qcow2", "C:\\x"])
def test_what_has_no_scheme_is_a_file(text: str) -> None:
    assert parse_location(text) == require_file(text) == Path(text)


def test_an_object() -> None:
    assert parse_location("s3://images/debian/12 ü.qcow2") == ObjectAddress("images", "debian/12 ü.qcow2")


def test_an_object_in_a_region() -> None:
    location = parse_location("ovh://GRA/images/debian/12.raw")
    assert isinstance(location, RegionalObject)
    assert location.address == ObjectAddress("images", "debian/12.raw")
    assert location.endpoint.url == "https://s3.gra.io.cloud.ovh.net"  # OVHcloud's guide s3-location, 2026-09-24
    assert str(location) == "ovh://gra/images/debian/12.raw"
    assert suffix_of(location) == ".raw"
    with pytest.raises(UsageError) as caught:
        require_file("ovh://gra/images/debian/12.raw")
    assert "aws s3 cp s3://images/debian/12.raw" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://host/a.raw", "https://host/a.raw"),
        ("HTTPS://host:8443/a%20b.raw?x=1&y=%2F#part", "https://host:8443/a%20b.raw?x=1&y=%2F"),
        ("http://[::1]:80", "http://[::1]:80/"),
        ("https://host/übung.raw", "https://host/%C3%BCbung.raw"),  # UTF-8, then percent: RFC 3987, section 3.1
    ],
)
def test_a_url(text: str, url: str) -> None:
    location = parse_location(text)
    assert isinstance(location, WebAddress)
    assert location.url.reveal() == url


def test_a_url_is_shown_without_its_query() -> None:
    location = parse_location("https://host/a.raw?X-Amz-Signature=5160a7e5")
    assert str(location) == "https://host/a.raw?[redacted]"
    assert "5160a7e5" not in repr(location)


@pytest.mark.parametrize(
    ("url", "is_exposed"),
    [
        ("http://images.example/a", True),
        ("http://192.0.2.1/a", True),
        ("http://127.0.0.1.example/a", True),
        ("http://localhost:8080/a", False),
        ("http://127.0.0.1/a", False),
        ("http://[::1]/a", False),
        ("https://images.example/a", False),
    ],
)
def test_what_crosses_a_network_without_encryption(url: str, is_exposed: bool) -> None:
    location = parse_location(url)
    assert isinstance(location, WebAddress)
    assert location.is_exposed is is_exposed


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("a/b.RAW", ".raw"),
        ("https://host/x.qcow2?name=y.raw", ".qcow2"),
        ("https://host.raw", ""),
        ("s3://bucket.raw/key", ""),
        ("s3://bucket/a.raw/key.QCOW2", ".qcow2"),
    ],
)
def test_suffix(text: str, suffix: str) -> None:
    assert suffix_of(parse_location(text)) == suffix


@pytest.mark.parametrize(
    "text", ["https://host/a\nb", "https://host/a b", "http://", "https://u@host/x", "s3://b/\x1b"]
)
def test_what_is_no_location(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_location(text)
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message + str(caught.value.details)


def test_a_url_is_no_file() -> None:
    for text in ("https://host/x.raw", "s3://bucket/x.raw"):
        with pytest.raises(UsageError) as caught:
            require_file(text)
        assert "Download" in caught.value.remedy
