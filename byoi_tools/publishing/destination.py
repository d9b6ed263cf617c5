"""Where an object goes and how long it can be fetched: reads `s3://BUCKET/PREFIX`, `ovh://REGION/...`, and `24h`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from byoi_tools.errors import UsageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.ovh_storage import StoreEndpoint, find_endpoint
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.quoting import quote

SHORTEST_EXPIRY = timedelta(minutes=1)
SAFE_EXPIRY = timedelta(hours=2)
LONGEST_EXPIRY = timedelta(days=7)  # AWS Signature Version 4, X-Amz-Expires

# Bucket names of OVHcloud: 3 to 63 lower-case letters, digits, dots and hyphens, the latter two never doubled.
_BUCKET = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+([.-][a-z0-9]+)*", re.ASCII)
# The unreserved characters of RFC 3986, section 2.3: they are the same before and after URL encoding.
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_MAXIMUM_PREFIX = 800  # keys have at most 1,024 bytes
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class ObjectPrefix:
    """A bucket, and what the keys in it begin with: no slash at either end, and empty for the bucket itself.

    `endpoint` is the store that has the bucket; None leaves that to boto3's configuration.
    """

    bucket: str
    prefix: str
    endpoint: StoreEndpoint | None = None

    def address_of(self, name: str) -> ObjectAddress:
        """Return the address of the object with that name under the prefix."""
        return ObjectAddress(self.bucket, f"{self.prefix}/{name}" if self.prefix else name)


def parse_destination(text: str) -> ObjectPrefix:
    """Read `s3://BUCKET/PREFIX` or `ovh://REGION/BUCKET/PREFIX`, both also without prefix.

    Raises `UsageError` for what is not one, or not safe in a URL, and for a region that OVHcloud does not have.
    """
    scheme, _, rest = text.partition("://")
    region, _, place = rest.partition("/") if scheme == "ovh" else ("", "", rest)
    bucket, _, path = place.partition("/")
    prefix = path.removesuffix("/")
    if scheme not in ("s3", "ovh") or not _BUCKET.fullmatch(bucket) or not _is_prefix(prefix):
        raise UsageError(
            f"{quote(text)} is not a destination",
            details="a bucket has 3 to 63 of a-z 0-9 . -, a prefix has segments of A-Z a-z 0-9 . _ ~ - between slashes",
            remedy="Write s3://BUCKET/PREFIX, for instance s3://images/debian, or ovh://REGION/BUCKET/PREFIX.",
        )
    return ObjectPrefix(bucket, prefix, find_endpoint(region) if scheme == "ovh" else None)


def parse_duration(text: str) -> timedelta:
    """Read a duration: digits, then s, m, h or d (seconds when none); raises `UsageError` for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{quote(text)} is not a duration", remedy="Write for instance 24h, 90m, 7d, or 3600 (seconds)."
        )
    number, unit = match.groups()
    return timedelta(seconds=min(int(number) * _SECONDS[unit], timedelta.max // timedelta(seconds=1)))


def parse_expiry(text: str) -> timedelta:
    """Read how long a presigned URL shall live; raises `UsageError` for what is no duration, too short or too long."""
    expires = parse_duration(text)
    require_valid_expiry(expires)
    return expires


def warn_of_short_life(expires: timedelta, observer: Observer) -> None:
    """Tell the observer when a URL may expire before the provider fetches it: after its reboots and hardware steps."""
    if expires < SAFE_EXPIRY:
        observer.warned(f"the URL works for {expires} only; the provider may fetch it later: --expires 24h is safe")


def require_valid_expiry(expires: timedelta) -> None:
    """Raise `UsageError` unless a presigned URL can live that long: from one minute to 7 days."""
    if not SHORTEST_EXPIRY <= expires <= LONGEST_EXPIRY:
        raise UsageError(
            f"a presigned URL cannot expire after {expires}",
            details="the shortest is 1 minute, the longest 7 days",
            remedy="Use --expires with 1m to 7d; the installation fetches the URL minutes to hours after it starts.",
        )


def _is_prefix(prefix: str) -> bool:
    segments = prefix.split("/") if prefix else []
    return len(prefix) <= _MAXIMUM_PREFIX and all(
        _SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments
    )
