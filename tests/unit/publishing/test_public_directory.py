from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.public_directory import PublicDirectory, parse_any_destination


@pytest.mark.parametrize(
    ("public_url", "url"),
    [
        ("https://images.example.net", "https://images.example.net/x.raw"),
        ("https://images.example.net/", "https://images.example.net/x.raw"),
        ("http://192.0.2.7:8080/a%20b/c/", "http://192.0.2.7:8080/a%20b/c/x.raw"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a/x.raw"),
    ],
)
def test_a_directory_and_its_url(tmp_path: Path, public_url: str, url: str) -> None:
    destination = parse_any_destination(f"file://{tmp_path}", public_url)
    assert isinstance(destination, PublicDirectory)
    assert destination.path == tmp_path
    assert destination.url_of("x.raw").reveal() == url
    assert str(destination.address_of("x.raw")) == f"file://{tmp_path}/x.raw"


@pytest.mark.parametrize(
    "public_url",
    [
        "",
        "images.example.net",
        "//images.example.net",
        "ftp://images.example.net/a",
        "file:///srv/www",
        "https://",
        "https:///images",
        "https://user:secret@images.example.net/a",
        "https://images.example.net/a?token=secret",
        "https://images.example.net/a#b",
        "https://images.example.net/a b",
        "https://images.example.net/ä",
        "https://images.example.net/%zz",
        "https://images.example.net:99999/a",
        "https://images.example.net:0/a",
        "https://[/a",
        "https://images.example.net/a\n",
        "https://images.example.net/\x1b[2J",
    ],
)
def test_what_is_no_public_url(tmp_path: Path, public_url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_any_destination(f"file://{tmp_path}", public_url)
    shown = f"{caught.value.message}{caught.value.details}{caught.value.remedy}"
    assert "secret" not in shown
    assert shown.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "file://",
        "file://srv/www",
        "file:/srv",
        "FILE:///srv",
        "file://./images",
        "file:///absent/\x1b",
        "file:///absent\0",
    ],
)
def test_what_is_no_directory(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_any_destination(text, "https://images.example.net")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("path", ["/absent", "/dev/null"])
def test_a_directory_that_is_not_there(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_any_destination(f"file://{path}", "https://images.example.net")
    assert path in caught.value.message


def test_a_directory_needs_a_public_url_and_a_bucket_takes_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        parse_any_destination(f"file://{tmp_path}", None)
    assert "--public-url" in caught.value.message
    with pytest.raises(UsageError) as caught:
        parse_any_destination("s3://images/debian", "https://images.example.net")
    assert "--public-url" in caught.value.message
    assert parse_any_destination("s3://images/debian", None) == ObjectPrefix("images", "debian")
