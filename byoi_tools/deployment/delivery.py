"""What a URL tells of how it is fetched: whether it is presigned, and how long it still works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from byoi_tools.model.deployment.order import ImageSource
from byoi_tools.model.deployment.planned import Delivery
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.secret import Secret


def delivery_of(image: ImageSource, now: datetime) -> Delivery:
    """Read the query of the image's URL (AWS Signature Version 4: X-Amz-Date, X-Amz-Expires, X-Amz-Signature)."""
    query = _read_query(image.url)
    is_presigned = bool({"x-amz-signature", "signature"} & set(query))
    return Delivery(
        image_type=Known(image.image_type),
        is_presigned=Known(is_presigned),
        life=_read_life(query, now) if is_presigned else Known(None),
        header_names=tuple(name for name, _ in image.http_headers),
    )


def _read_query(url: Secret) -> dict[str, str]:
    try:
        fields = parse_qs(urlsplit(url.reveal()).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name.lower(): values[-1] for name, values in fields.items()}


def _read_life(query: dict[str, str], now: datetime) -> Fact[timedelta | None]:
    try:
        began = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return Known(began + timedelta(seconds=int(query["x-amz-expires"])) - now)
    except (KeyError, ValueError, OverflowError):
        return NotExamined("the URL is signed, and does not say in a known way how long it works")
