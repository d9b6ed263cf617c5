from __future__ import annotations

from datetime import timedelta

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.publishing.ovh_storage import StoreEndpoint
from byoi_tools.publishing.destination import (
    ObjectPrefix,
    parse_destination,
    parse_duration,
    parse_expiry,
)


@pytest.mark.parametrize(
    ("text", "bucket", "prefix", "address"),
    [
        ("s3://images", "images", "", "s3://images/x.raw"),
        ("s3://images/", "images", "", "s3://images/x.raw"),
        ("s3://images/debian", "images", "debian", "s3://images/debian/x.raw"),
        (
            "s3://my.images-2/debian/12.5_b~1/",
            "my.images-2",
            "debian/12.5_b~1",
            "s3://my.images-2/debian/12.5_b~1/x.raw",
        ),
    ],
)
def test_destination_is_read(text: str, bucket: str, prefix: str, address: str) -> None:
    destination = parse_destination(text)

    assert destination == ObjectPrefix(bucket, prefix)
    assert str(destination.address_of("x.raw")) == address


@pytest.mark.parametrize(
    ("text", "region", "bucket", "prefix"),
    [
        ("ovh://gra/images", "gra", "images", ""),
        ("ovh://SBG/images/", "sbg", "images", ""),
        ("ovh://eu-west-par/images/debian/12", "eu-west-par", "images", "debian/12"),
    ],
)
def test_a_region_of_ovhcloud_names_the_endpoint(text: str, region: str, bucket: str, prefix: str) -> None:
    # The form of the endpoint: OVHcloud's guide s3-location, 2026-09-24.
    endpoint = StoreEndpoint(region, f"https://s3.{region}.io.cloud.ovh.net")
    assert parse_destination(text) == ObjectPrefix(bucket, prefix, endpoint)
    assert parse_destination(f"s3://{bucket}/{prefix}").endpoint is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "images",
        "s3:",
        "s3://",
        "s3:///prefix",
        "s3:/images/x",
        "S3://images",
        "https://images/prefix",
        "file:///etc",
        "s3://ab",
        "s3://" + "a" * 64,
        "s3://Images",
        "s3://my_images",
        "s3://-images",
        "s3://images.",
        "s3://my..images",
        "s3://user:secret@images/x",
        "s3://images/a//b",
        "s3://images//a",
        "s3://images/../other",
        "s3://images/a/.",
        "s3://images/a b",
        "s3://images/ä",
        "s3://images/a?x=1",
        "s3://images/a#b",
        "s3://images/a%2fb",
        "s3://images/a\n",
        "s3://images\n",
        "s3://images/\x1b[2J",
        "s3://images/" + "a" * 801,
        "s3://ímages",
        "ovh://",
        "ovh://gra",
        "ovh://gra/",
        "ovh:///images/debian",
        "ovh://images/debian",
        "ovh://gra/Images/debian",
        "ovh://gra/images/../other",
        "ovh://gra@host/images",
        "OVH://gra/images",
    ],
)
def test_other_destinations_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_destination(text)

    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("24h", timedelta(hours=24)),
        ("90m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("3600", timedelta(hours=1)),
        ("45s", timedelta(seconds=45)),
        ("0", timedelta(0)),
        ("007d", timedelta(days=7)),
    ],
)
def test_duration_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "h", "-1h", "1.5h", "1 h", "1w", "1H", "1h30m", "٣h", "1h\n", "inf", "9" * 5000, "0x10"]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


def test_longest_digits_do_not_overflow() -> None:
    with pytest.raises(UsageError):
        parse_expiry("999999999d")


@pytest.mark.parametrize("text", ["1m", "60", "24h", "7d", "604800"])
def test_expiry_within_the_limits_is_accepted(text: str) -> None:
    parse_expiry(text)


@pytest.mark.parametrize("text", ["0", "59", "8d", "604801", "169h"])
def test_expiry_beyond_the_limits_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_expiry(text)
