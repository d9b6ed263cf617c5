"""GETs of one URL, ranged over a connection that is kept (RFC 9110, section 14) or whole: checked, or why not.

Never HEAD: a presigned URL is signed for one method (AWS Signature Version 4, "canonical request").
"""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from byoi_tools.errors import StorageError
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.secret import Secret, redact
from byoi_tools.tools.http.connection import Route, route_to

_ANSWER_SECONDS = 120
_PIECE_BYTES = 256 * 1024
_MAXIMUM_ERROR_BYTES = 4096
_MAXIMUM_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})", re.ASCII)
_S3_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_TELLING_HEADERS = ("Content-Range", "Content-Type", "Content-Encoding")
_HEADERS = {"User-Agent": "byoi-tools", "Accept-Encoding": "identity", "Accept": "*/*"}

_UNREACHABLE = "Check the address, the network and the clock of this machine, then try again."
_WHOLE_REMEDY = "Use a server that sends objects as they are, without a proxy or cache that changes its answers."
_RANGE_REMEDY = (
    "Use a store that serves ranges, without a proxy or cache that changes its answers; "
    "or download the image and name the file."
)
_REMEDIES = {
    401: "Use a presigned URL, or an s3:// address with the credentials in AWS_* variables.",
    403: "Presign a new URL if this one has expired, or give the credentials the right to read the object.",
    404: "Check the address: nothing is there.",
    410: "Check the address: nothing is there any more.",
    407: "Put the credentials of the proxy into HTTPS_PROXY or HTTP_PROXY.",
}


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """A part of what a URL holds: its bytes, how many the whole has, and which version of it this is.

    `version` is the ETag, else the time of the last modification, else empty.
    """

    content: bytes
    total_bytes: int
    version: str = ""


class RangeFailed(StorageError):
    """No answer, or none with that range. `is_passing`: the same request may succeed in a moment."""

    def __init__(
        self,
        message: str,
        *,
        remedy: str,
        details: str | None = None,
        status: int | None = None,
        is_passing: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy, details=details)
        self.status = status
        self.is_passing = is_passing


class HttpRanges:
    """The object behind a URL. Redirects are followed, but never from https to http, nor to another scheme.

    `name` stands for the URL in errors, whose texts have no query string. `headers` are sent in addition, but to no
    other server that a redirect names. Not to be shared by threads.
    """

    def __init__(self, url: Secret, name: str = "", headers: Iterable[tuple[str, Secret]] = ()) -> None:
        self._start = url.reveal()
        self._url = self._start
        self._name = name or redact(self._start)
        self._extra = tuple(headers)
        self._route: Route | None = None

    def get(self, first: int, last: int) -> RangeAnswer:
        """GET the bytes from `first` to `last`, both inclusive; they end with the object.

        Raises `RangeFailed` for every other answer than 206 with that range, and when none comes. Never reads more
        than was asked for. After a failure the next request begins with the first URL and a new connection.
        """
        with self._translated():
            return self._read(self._follow(f"bytes={first}-{last}"), first, last)

    def stream(self, first: int, total_bytes: int) -> Iterator[bytes]:
        """GET everything from `first` to the end, and yield it as it comes, in pieces of at most 256 KiB.

        From 0 on no range is asked for, as downloaders do. Raises `RangeFailed` as `get` does, and when the answer
        ends before its own length; it may be longer or shorter than `total_bytes` when another object is there.
        """
        with self._translated():
            answer = self._follow(f"bytes={first}-" if first else None)
            if answer.status >= 400:
                raise self._refused(answer)
            if first:
                self._total_bytes(answer, first, total_bytes - 1)
            elif answer.status != http.HTTPStatus.OK or _is_encoded(answer):
                raise self._unfit("a GET with the whole object", answer, "", _WHOLE_REMEDY)
            done_bytes = 0
            while piece := answer.read1(_PIECE_BYTES):
                done_bytes += len(piece)
                yield piece
            self.close()
            if answer.length:
                raise self._failed(f"the connection broke off after {done_bytes} bytes", is_passing=True)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._route is not None:
            self._route.connection.close()
        self._route, self._url = None, self._start

    @contextmanager
    def _translated(self) -> Iterator[None]:
        is_redirected = self._url != self._start
        try:
            yield
        except RangeFailed as failed:
            self.close()
            failed.is_passing |= is_redirected  # what a redirect led to may have expired since
            raise
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()
            is_passing = not isinstance(error, ssl.SSLCertVerificationError | ValueError)
            is_about_headers = bool(self._extra) and type(error) in (ValueError, UnicodeEncodeError)
            said = "a header cannot be sent" if is_about_headers else redact(f"{type(error).__name__}: {error}")
            raise self._failed(said, is_passing=is_passing) from None
        except BaseException:
            self.close()
            raise

    def _follow(self, span: str | None) -> http.client.HTTPResponse:
        for _ in range(_MAXIMUM_REDIRECTS + 1):
            answer = self._ask(span)
            if answer.status not in _REDIRECTS:
                return answer
            self._redirect(answer.status, answer.headers.get("Location", ""))
        raise self._failed(f"over {_MAXIMUM_REDIRECTS} redirects")

    def _ask(self, span: str | None) -> http.client.HTTPResponse:
        if self._route is None:
            self._route = route_to(self._url)
        extra = {name: value.reveal() for name, value in self._extra} if self._is_first_server() else {}
        headers = {**_HEADERS, **extra, **self._route.headers, **({"Range": span} if span else {})}
        self._route.connection.request("GET", self._route.target, headers=headers)
        return self._route.connection.getresponse()

    def _is_first_server(self) -> bool:
        here, start = urlsplit(self._url), urlsplit(self._start)
        return (here.scheme, here.netloc) == (start.scheme, start.netloc)

    def _redirect(self, status: int, location: str) -> None:
        is_clean = bool(location) and location.isascii() and location.isprintable() and " " not in location
        target = urljoin(self._url, location) if is_clean else ""
        allowed = ("https",) if urlsplit(self._url).scheme == "https" else ("http", "https")
        if urlsplit(target).scheme not in allowed:
            raise self._failed(f"status {status}, a redirect to {location.partition('?')[0][:80]!r}", status=status)
        self.close()
        self._url = target

    def _read(self, answer: http.client.HTTPResponse, first: int, last: int) -> RangeAnswer:
        if answer.status >= 400:
            raise self._refused(answer)
        total = self._total_bytes(answer, first, last)
        wanted = min(last, total - 1) - first + 1
        content = self._read_body(answer, wanted)
        if answer.length == 0:
            answer.close()  # the connection can be used again
        else:  # there may be more, or a last chunk
            self.close()
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        return RangeAnswer(content, total, version)

    def _read_body(self, answer: http.client.HTTPResponse, wanted: int) -> bytes:
        deadline = time.monotonic() + _ANSWER_SECONDS
        content = bytearray()
        while len(content) < wanted and (piece := answer.read1(min(_PIECE_BYTES, wanted - len(content)))):
            content += piece
            if time.monotonic() > deadline:
                raise self._failed(f"{len(content)} bytes in {_ANSWER_SECONDS} s", is_passing=True)
        if len(content) < wanted:
            raise self._failed(f"the connection broke off after {len(content)} bytes", is_passing=True)
        return bytes(content)

    def _total_bytes(self, answer: http.client.HTTPResponse, first: int, last: int) -> int:
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if answer.status == http.HTTPStatus.PARTIAL_CONTENT and match and not _is_encoded(answer):
            got_first, got_last, total = (int(number) for number in match.groups())
            if got_first == first and got_last == min(last, total - 1):
                return total
        raise self._unfit("a ranged GET with that range", answer, f", asked for bytes {first}-{last}", _RANGE_REMEDY)

    def _unfit(self, what: str, answer: http.client.HTTPResponse, asked: str, remedy: str) -> RangeFailed:
        shown = (f"{name} {answer.headers.get(name, '')[:80]!r}" for name in _TELLING_HEADERS)
        return RangeFailed(
            f"{self._name} does not answer {what}",
            details=f"status {answer.status}{asked}, {', '.join(shown)}",
            remedy=remedy,
            status=answer.status,
            is_passing=False,
        )

    def _refused(self, answer: http.client.HTTPResponse) -> RangeFailed:
        try:
            code = _S3_CODE.search(answer.read(_MAXIMUM_ERROR_BYTES))
        except (OSError, http.client.HTTPException):
            code = None
        status = answer.status
        details = f"status {status}" + (f", {code.group(1).decode()}" if code else "")
        return self._failed(details, status=status, is_passing=status in _PASSING)

    def _failed(self, details: str, *, status: int | None = None, is_passing: bool = False) -> RangeFailed:
        return RangeFailed(
            f"{self._name} cannot be fetched",
            details=details,
            remedy=_REMEDIES.get(status or 0, _UNREACHABLE),
            status=status,
            is_passing=is_passing,
        )


def _is_encoded(answer: http.client.HTTPResponse) -> bool:
    return answer.headers.get("Content-Encoding", "identity") != "identity"
