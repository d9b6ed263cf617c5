from __future__ import annotations

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.publishing.ovh_storage import StoreEndpoint, find_endpoint


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        # OVHcloud's guide s3-location, 2026-09-24: https://s3.<region>.io.cloud.ovh.net, the region in lower case.
        ("gra", StoreEndpoint("gra", "https://s3.gra.io.cloud.ovh.net")),
        ("GRA", StoreEndpoint("gra", "https://s3.gra.io.cloud.ovh.net")),
        ("eu-west-par", StoreEndpoint("eu-west-par", "https://s3.eu-west-par.io.cloud.ovh.net")),
        ("US-EAST-VA", StoreEndpoint("us-east-va", "https://s3.us-east-va.io.cloud.ovh.us")),
    ],
)
def test_the_endpoint_of_a_region(region: str, endpoint: StoreEndpoint) -> None:
    assert find_endpoint(region) == endpoint


@pytest.mark.parametrize(
    "region", ["", "gra1", "fra", "rbx-archive", "gra.evil.example", "gra@host", "ɢra", "gra\n", "\x1b[2J"]
)
def test_an_unknown_region_is_answered_with_the_known_ones(region: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_endpoint(region)
    assert caught.value.message.isprintable()
    for known in ("gra", "ap-south-mum", "eu-south-mil", "us-west-or"):
        assert known in str(caught.value.details)
    assert "AWS_ENDPOINT_URL_S3" in caught.value.remedy
