"""Secrets, and the one place that keeps them out of every output: presigned URLs, keys, tokens, header values."""

from __future__ import annotations

import re
from dataclasses import field
from urllib.parse import urlsplit, urlunsplit

from byoi_tools.model.dataclass import dataclass

HIDDEN = "[redacted]"

_URL = re.compile(r"(?i)\bhttps?://[^\s\"'<>\\]+")
_PARAMETER = re.compile(
    r"(?i)(?:\b|(?<=u0026))((?:x-amz-(?:signature|credential|security-token)|signature|credential|awsaccesskeyid|token|sig)=)[^&\s\"'<>\\]+"
)
_NAMED = re.compile(
    r"(?i)\b((?:application_?key|application_?secret|consumer_?key|client_?secret|(?:aws_?)?secret_?access_?key"
    r"|(?:aws_?)?session_?token|password|authorization|x-ovh-(?:application|consumer|signature))"
    r"[\"']?\s*[:=]\s*[\"']?)(?:(?:basic|bearer)\s+)?[^\s\"',;&}]+"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is shown as `[redacted]` wherever it is printed, formatted or logged."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """Return the text; call it only where it is sent to whom it is for, or printed because the user asked."""
        return self._text

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"


def redact_url(url: str) -> str:
    """Return the URL without its user information and with its query string hidden."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, HIDDEN if parts.query else "", ""))


def redact(text: str) -> str:
    """Return the text with the query strings of URLs, signature parameters and named credentials hidden."""
    without_urls = _URL.sub(lambda match: _redact_or_hide(match.group()), text)
    return _NAMED.sub(rf"\g<1>{HIDDEN}", _PARAMETER.sub(rf"\g<1>{HIDDEN}", without_urls))


def _redact_or_hide(url: str) -> str:
    try:
        return redact_url(url)
    except ValueError:
        return HIDDEN
