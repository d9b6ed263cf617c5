"""Where an image is: a file, an http or https URL, or an object in a bucket."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TypeAlias
from urllib.parse import SplitResult, quote_plus, urlsplit

from byoi_tools.errors import UsageError
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.publishing.ovh_storage import StoreEndpoint, find_endpoint
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.quoting import quote
from byoi_tools.model.secret import Secret, redact_url

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://", re.ASCII)
_WEB = ("http", "https")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1", re.ASCII)
_REMEDY = "Name a file, or write https://HOST/PATH, s3://BUCKET/KEY or ovh://REGION/BUCKET/KEY; ./NAME is a file."


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http or https URL; its query is kept secret, because it may hold a signature. `headers` are sent with it."""

    url: Secret
    headers: tuple[tuple[str, Secret], ...] = ()

    def __str__(self) -> str:
        return redact_url(self.url.reveal())

    @property
    def without_query(self) -> str:
        """The URL without what may hold a signature."""
        return urlsplit(self.url.reveal())._replace(query="").geturl()

    @property
    def is_exposed(self) -> bool:
        """Whether the image crosses a network without encryption."""
        parts = urlsplit(self.url.reveal())
        return parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or "")


@dataclass(frozen=True, slots=True)
class RegionalObject:
    """An object in a bucket of a region of OVHcloud."""

    endpoint: StoreEndpoint
    address: ObjectAddress

    def __str__(self) -> str:
        return f"ovh://{self.endpoint.region}/{self.address.bucket}/{self.address.key}"


ImageLocation: TypeAlias = Path | WebAddress | ObjectAddress | RegionalObject


def parse_location(text: str) -> ImageLocation:
    """Read what a user wrote: what has no scheme is a file. Raises `UsageError`, which shows no query string."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Path(text)
    name = scheme.group(1).lower()
    if name in _WEB:
        return WebAddress(Secret(_checked_url(text)))
    if name == "s3":
        return _parse_object(text, text.partition("://")[2])
    if name == "ovh":
        region, _, rest = text.partition("://")[2].partition("/")
        return RegionalObject(find_endpoint(region), _parse_object(text, rest))
    raise UsageError(f"images are not read from {name}:// URLs", remedy=_REMEDY)


def require_file(text: str) -> Path:
    """Return the path; raises `UsageError` for a URL, where a verb needs the whole image at hand."""
    location = parse_location(text)
    if isinstance(location, Path):
        return location
    fetch = (
        "curl --fail -L -o IMAGE URL" if isinstance(location, WebAddress) else f"aws s3 cp {_object_of(location)} IMAGE"
    )
    raise UsageError(
        f"{location} is no file: only inspect and check read images where they are",
        remedy=f"Download it first, for instance with `{fetch}`, and name the file.",
    )


def suffix_of(location: ImageLocation) -> str:
    """The suffix of the file's name, in lower case and with its dot; empty where it has none."""
    if isinstance(location, Path):
        return location.suffix.lower()
    path = urlsplit(location.url.reveal()).path if isinstance(location, WebAddress) else _object_of(location).key
    return PurePosixPath(path).suffix.lower()


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_good = bool(parts.hostname) and parts.port != 0 and text.isprintable() and " " not in text
    except ValueError:
        is_good = False
    if not is_good:
        raise UsageError("this is no URL", details=_shown(text), remedy="Write https://HOST/PATH.")
    if parts.username is not None:
        raise UsageError(
            "credentials are not taken from URLs, where every user of this machine sees them",
            remedy="Use a presigned URL, or an s3:// address with the credentials in AWS_* variables.",
        )
    return _encoded(parts)


def _encoded(parts: SplitResult) -> str:
    """The URL without its fragment, and with what is not ASCII as percent escapes (RFC 3987, section 3.1)."""
    path = "".join(letter if letter.isascii() else quote_plus(letter) for letter in parts.path or "/")
    query = "".join(letter if letter.isascii() else quote_plus(letter) for letter in parts.query)
    return parts._replace(scheme=parts.scheme.lower(), path=path, query=query, fragment="").geturl()


def _object_of(location: ObjectAddress | RegionalObject) -> ObjectAddress:
    return location.address if isinstance(location, RegionalObject) else location


def _parse_object(text: str, place: str) -> ObjectAddress:
    bucket, _, key = place.partition("/")
    if not bucket or not key or key.endswith("/") or not text.isprintable():
        raise UsageError(f"{quote(text)} is no object", remedy="Write s3://BUCKET/KEY or ovh://REGION/BUCKET/KEY.")
    return ObjectAddress(bucket, key)


def _shown(text: str) -> str:
    return quote(text.partition("?")[0].rpartition("@")[2])
