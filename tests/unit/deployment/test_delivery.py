"""What a URL tells of itself, by URLs that boto3 has signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from byoi_tools.deployment.delivery import delivery_of
from byoi_tools.model.deployment.planned import Delivery
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from tests.unit.deployment.examples import SOURCE

LATER = timedelta(hours=1)


def signed(expires: int, version: str = "s3v4") -> str:
    client = boto3.client(
        "s3",
        endpoint_url="https://s3.gra.io.cloud.ovh.net",
        region_name="gra",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(signature_version=version),
    )
    url: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": "images", "Key": "debian.qcow2"}, ExpiresIn=expires
    )
    return url


def read(url: str, now: datetime | None = None) -> Delivery:
    return delivery_of(replace(SOURCE, url=Secret(url)), now or datetime.now(UTC))


@pytest.mark.parametrize("expires", [60, 3600, 604800])
def test_a_presigned_url_tells_how_long_it_works(expires: int) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    url = signed(expires)
    found = read(url, before + LATER)
    assert found.is_presigned == Known(True)
    assert isinstance(found.life, Known)
    assert found.life.value is not None
    lived = timedelta(seconds=expires) - LATER
    assert lived <= found.life.value <= lived + timedelta(seconds=30)


def test_an_older_signature_says_it_in_another_way() -> None:
    found = read(signed(3600, "s3"))
    assert found.is_presigned == Known(True)
    assert isinstance(found.life, NotExamined)


@pytest.mark.parametrize(
    "url", ["https://example.net/i.qcow2", "https://example.net/i?v=1#X-Amz-Signature=1", "https://[::1"]
)
def test_a_plain_url_has_no_end(url: str) -> None:
    found = read(url)
    assert (found.is_presigned, found.life) == (Known(False), Known(None))


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Signature=1",
        "X-Amz-Signature=1&X-Amz-Date=yesterday&X-Amz-Expires=60",
        "X-Amz-Signature=1&X-Amz-Date=20261122T000000Z&X-Amz-Expires=x",
        "X-Amz-Signature=1&X-Amz-Date=20261122T000000Z&X-Amz-Expires=" + "9" * 30,
    ],
)
def test_a_signature_that_is_damaged_is_not_guessed(query: str) -> None:
    found = read(f"https://example.net/i?{query}")
    assert found.is_presigned == Known(True)
    assert isinstance(found.life, NotExamined)


def test_headers_are_known_by_name_alone() -> None:
    found = read("https://example.net/i")
    assert found.header_names == ("Authorization",)
    assert found.image_type == Known(ImageType.QCOW2)
