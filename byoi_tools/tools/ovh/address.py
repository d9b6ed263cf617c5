"""The provider's API at a URL of the user's own: whether keys may travel there, and where its OAuth2 tokens are."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from byoi_tools.errors import UsageError


def token_url(url: str, endpoints: Mapping[str, str], token_urls: Mapping[str, str]) -> str:
    """Return where tokens are given out for the endpoint at this URL.

    For the provider's own URLs (`endpoints`, by name) that is where python-ovh has it (`token_urls`, by the same
    names); for others `/auth/oauth2/token` of the same host.
    """
    known = {address: token_urls[name] for name, address in endpoints.items() if name in token_urls}
    parts = urlsplit(url)
    return known.get(url, f"{parts.scheme}://{parts.netloc}/auth/oauth2/token")


def judge_endpoint(url: str) -> str:
    """Return the URL without its last slash; raises `UsageError` when keys would travel in clear beyond loopback."""
    if _is_usable_endpoint(url):
        return url.rstrip("/")
    raise UsageError(
        "the endpoint is neither a name that python-ovh knows nor a usable URL",
        remedy="Use a name such as ovh-eu, or a plain https URL; http is for loopback addresses alone.",
    )


def _is_usable_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_plain = parts.port != 0 and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        return False
    host = parts.hostname or ""
    return is_plain and ((parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
