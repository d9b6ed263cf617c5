"""A directory that the user's own web server serves, as a destination: `file:///DIRECTORY` and `--public-url`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from byoi_tools.errors import UsageError
from byoi_tools.model.publishing.published import FileAddress
from byoi_tools.model.quoting import quote
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.destination import ObjectPrefix, parse_destination

_SCHEME = "file://"
# What RFC 3986 allows in an authority and a path, without user information.
_CHARACTERS = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
_PUBLIC_URL = re.compile(rf"https?://[A-Za-z0-9.:\[\]-]+(/{_CHARACTERS}*)?", re.ASCII)
_REMEDY = "Write --to file:///srv/www/images --public-url https://images.example.net/images."


@dataclass(frozen=True, slots=True)
class PublicDirectory:
    """A directory, and the URL under which a web server shows what is in it (without a slash at its end)."""

    path: Path
    url: str

    def address_of(self, name: str) -> FileAddress:
        """Return the address of the file with that name in the directory."""
        return FileAddress(self.path / name)

    def url_of(self, name: str) -> Secret:
        """Return the URL of the file with that name, of letters that need no encoding."""
        return Secret(f"{self.url}/{name}")


Destination: TypeAlias = ObjectPrefix | PublicDirectory


def parse_any_destination(text: str, public_url: str | None) -> Destination:
    """Read where an image goes: what `parse_destination` reads, or `file:///DIRECTORY` together with its public URL.

    Raises `UsageError` for what is neither, for a directory that does not exist, and when one of the two is missing.
    """
    if not text.lower().startswith("file:"):
        if public_url is not None:
            raise UsageError("--public-url is for --to file:///DIRECTORY alone", remedy="Leave --public-url away.")
        return parse_destination(text)
    if public_url is None:
        raise UsageError(
            "--to file:///DIRECTORY needs --public-url",
            details="the provider fetches the image from a web server, and only you know under which address",
            remedy=_REMEDY,
        )
    return PublicDirectory(parse_directory(text), _parse_public_url(public_url))


def parse_directory(text: str) -> Path:
    """Read `file:///DIRECTORY`; raises `UsageError` unless it is a directory that this user may write."""
    path = Path(text.removeprefix(_SCHEME))
    if not path.is_absolute() or not text.isprintable():
        raise UsageError(
            f"{quote(text)} is not a directory's address", details="an absolute path follows file://", remedy=_REMEDY
        )
    if not path.is_dir():
        raise UsageError(
            f"there is no directory {quote(str(path))}",
            remedy="Name the directory that the web server serves, or make it first.",
        )
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(
            f"the directory {quote(str(path))} may not be written by this user",
            remedy="Give the right to (chmod, chown), or use another user or directory.",
        )
    return path


def _parse_public_url(text: str) -> str:
    is_url = _PUBLIC_URL.fullmatch(text) is not None
    try:
        is_url = is_url and bool(urlsplit(text).hostname) and urlsplit(text).port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise UsageError(
            "--public-url is no URL of a directory",
            details=quote(text.partition("?")[0].rpartition("@")[2]),
            remedy="Write https://HOST/PATH: without a query, a fragment or credentials, and percent-encoded.",
        )
    return text.rstrip("/")
