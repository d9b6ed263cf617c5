"""The door to a URL as its downloader will see it: ranged GETs without credentials, never HEAD.

A presigned URL is signed for one method, so that HEAD is refused where GET works (AWS Signature Version 4,
"canonical request").
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from dataclasses import dataclass

from byoi_tools.errors import StorageError
from byoi_tools.model.secret import Secret, redact

_SECONDS = 30
_MAXIMUM_ERROR_BYTES = 4096
_CONTENT_RANGE = re.compile(r"bytes (\d{1,20})-(\d{1,20})/(\d{1,20})", re.ASCII)
_S3_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_REMEDY = "Check that the endpoint can be reached from elsewhere, and the clock of this machine; then publish again."


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """A part of what a URL holds: its bytes, and how many the whole has."""

    content: bytes
    total_bytes: int


def fetch_range(url: Secret, first: int, last: int) -> RangeAnswer:
    """GET the bytes from `first` to `last`, both inclusive (RFC 9110, section 14); they end with the object.

    Raises `StorageError` for every other answer than 206 with that range, and when none comes; the query of the URL
    is not in its texts. Never reads more than was asked for.
    """
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            _require_http(url), headers={"Range": f"bytes={first}-{last}", "User-Agent": "byoi-tools"}
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme is checked
            total = _total_bytes(url, answer.status, answer.headers.get("Content-Range", ""), first, last)
            content = answer.read(last - first + 1)
            if len(content) == min(last, total - 1) - first + 1:
                return RangeAnswer(content, total)
            details = f"the connection broke off after {len(content)} bytes"
    except urllib.error.HTTPError as error:
        details = _describe(error)
    except (OSError, ValueError, http.client.HTTPException) as error:
        details = redact(f"{type(error).__name__}: {error}")
    raise StorageError(f"{redact(url.reveal())} cannot be fetched", details=details, remedy=_REMEDY)


def _require_http(url: Secret) -> str:
    if not url.reveal().startswith(("http://", "https://")):
        raise StorageError("the URL is neither http nor https", remedy="Use an endpoint that speaks http or https.")
    return url.reveal()


def _total_bytes(url: Secret, status: int, content_range: str, first: int, last: int) -> int:
    match = _CONTENT_RANGE.fullmatch(content_range.strip())
    if status == http.HTTPStatus.PARTIAL_CONTENT and match:
        got_first, got_last, total = (int(number) for number in match.groups())
        if got_first == first and got_last == min(last, total - 1):
            return total
    raise StorageError(
        f"{redact(url.reveal())} does not answer a ranged GET with that range",
        details=f"status {status}, asked for bytes {first}-{last}, Content-Range {content_range[:80]!r}",
        remedy="Use a store that serves ranges, without a proxy or cache that changes its answers.",
    )


def _describe(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            code = _S3_CODE.search(error.read(_MAXIMUM_ERROR_BYTES))
        except (OSError, http.client.HTTPException):
            code = None
    return f"status {error.code}" + (f", {code.group(1).decode()}" if code else "")
