"""Downloads the image as the server does: a plain GET with the customer's headers, redirects followed.

Nothing of the URL but its host's own words gets into a message: the query string may be a presigned one.
"""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from byoi_tools.rehearsal.refusals import HaltedError, InstallationError

_CHUNK_BYTES = 2**20
_SILENCE_SECONDS = 30
_SENSITIVE = ("authorization", "cookie")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone, and keeps credentials from another host, as curl does."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise URLError("redirected to something that is neither http nor https")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            for name in [name for name in following.headers if name.lower() in _SENSITIVE]:
                following.remove_header(name)
        return following


def download(
    url: str, headers: Mapping[str, str], target: Path, *, image_type: str, limit_bytes: int, halt: Event
) -> None:
    """Write what `url` serves to `target`; raises `InstallationError` with OVH's messages.

    `limit_bytes` is what the server's memory can hold. When `halt` is set, a silent connection is left to its
    own timeout, in a thread that touches nothing any more.
    """
    failures: list[Exception] = []

    def transfer() -> None:
        try:
            _transfer(url, headers, target, image_type, limit_bytes, halt)
        except Exception as error:  # raised again in the caller's thread
            failures.append(error)

    thread = Thread(target=transfer, name="download", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
        if halt.is_set():
            raise HaltedError
    if failures:
        raise failures[0]


def _transfer(
    url: str, headers: Mapping[str, str], target: Path, image_type: str, limit_bytes: int, halt: Event
) -> None:
    try:
        with _open(url, headers) as response:
            expected, received = response.length, 0
            _check_size(expected or 0, limit_bytes, image_type)
            _check_halt(halt)
            with target.open("wb") as file:
                while chunk := response.read(_CHUNK_BYTES):
                    received += len(chunk)
                    _check_size(received, limit_bytes, image_type)
                    _check_halt(halt)
                    file.write(chunk)
    except HTTPError as error:
        raise _failed(f"HTTP {error.code} {_phrase(error.code)}".rstrip()) from error
    except URLError as error:
        raise _failed(str(error.reason)) from error
    except OSError as error:
        raise _failed(error.strerror or type(error).__name__) from error
    except (HTTPException, ValueError) as error:
        raise _failed(type(error).__name__) from error
    if expected is not None and received != expected:
        raise _failed(f"the connection ended after {received} of {expected} bytes")


def hash_file(path: Path, algorithm: str, halt: Event) -> str:
    """Return the hexadecimal digest of a file; `algorithm` is one of OVH's four."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            _check_halt(halt)
            digest.update(chunk)
    return digest.hexdigest()


def _open(url: str, headers: Mapping[str, str]) -> HTTPResponse:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    response = opener.open(urllib.request.Request(url, headers=dict(headers)), timeout=_SILENCE_SECONDS)  # noqa: S310
    assert isinstance(response, HTTPResponse)  # noqa: S101 - there are handlers for http and https alone
    return response


def _check_halt(halt: Event) -> None:
    if halt.is_set():
        raise HaltedError


def _check_size(size_bytes: int, limit_bytes: int, image_type: str) -> None:
    if size_bytes > limit_bytes:
        raise InstallationError(f"Could not download, {image_type} image is too big to download in memory.")


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def _failed(reason: str) -> InstallationError:
    return InstallationError(f"Could not download image: {reason}")
