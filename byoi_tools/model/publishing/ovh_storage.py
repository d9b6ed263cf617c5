"""OVHcloud Object Storage: its regions, and the endpoint of each.

Source: OVHcloud's guides "Endpoints and Object Storage geoavailability" (s3-location, 2026-09-24) and "Limitations"
(s3-limitations, 2026-03-13); the two regions of the US from clients of third parties. The region of the cold archive is
left out: what lies there cannot be fetched at once. Local Zones are reached with `s3://` and their own endpoints.
"""

from __future__ import annotations

from byoi_tools.errors import UsageError
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.quoting import quote

ONE_ZONE = ("gra", "rbx", "sbg", "de", "uk", "waw", "bhs", "ca-east-tor", "sgp", "ap-southeast-syd", "ap-south-mum")
THREE_ZONES = ("eu-west-par", "eu-south-mil")
UNITED_STATES = ("us-east-va", "us-west-or")


@dataclass(frozen=True, slots=True)
class StoreEndpoint:
    """Where a region's object store answers. `region` is written in lower case: signatures contain it."""

    region: str
    url: str


def find_endpoint(region: str) -> StoreEndpoint:
    """Return the endpoint of a region, written in any case; raises `UsageError`, with all regions, for another name."""
    name = region.lower()
    if name in UNITED_STATES:
        return StoreEndpoint(name, f"https://s3.{name}.io.cloud.ovh.us")
    if name in ONE_ZONE + THREE_ZONES:
        return StoreEndpoint(name, f"https://s3.{name}.io.cloud.ovh.net")
    raise UsageError(
        f"{quote(region)} is no region of OVHcloud Object Storage that is known here",
        details=f"known are {', '.join(ONE_ZONE)}; with three zones {', '.join(THREE_ZONES)}; "
        f"in the US {', '.join(UNITED_STATES)}",
        remedy="Write ovh://gra/BUCKET/PREFIX with one of these; for a newer region or a Local Zone use "
        "s3://BUCKET/PREFIX, and set AWS_ENDPOINT_URL_S3 and AWS_DEFAULT_REGION to it.",
    )
