"""Opens connections to web servers, through the proxy that the environment names; trust is the system's.

`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count as they do for other programs; `AWS_CA_BUNDLE` adds authorities, as
boto3 reads it, because the same stores are reached by presigned URLs.
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import SplitResult, unquote, urlsplit

from byoi_tools.model.dataclass import dataclass

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Route:
    """A connection, not open before it is used; what to ask it for; and headers that it needs with every request."""

    connection: http.client.HTTPConnection
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)


def route_to(url: str) -> Route:
    """Return the way to a URL; raises `OSError` or `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the URL is neither http nor https")
    target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="").geturl()
    proxy = _proxy_of(parts)
    if proxy is None:
        return Route(_connection(parts.scheme, parts.hostname, parts.port), target)
    host, port, credentials = proxy.hostname or "", proxy.port or 80, _credentials(proxy)
    if parts.scheme == "http":
        # A proxy is asked for whole URLs (RFC 9112, section 3.2.2).
        return Route(_connection("http", host, port), parts._replace(fragment="").geturl(), credentials)
    connection = _connection("https", host, port)
    connection.set_tunnel(parts.hostname, parts.port or 443, credentials)
    return Route(connection, target)


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=_SECONDS)
    context = ssl.create_default_context()
    if bundle := os.environ.get("AWS_CA_BUNDLE"):
        context.load_verify_locations(bundle)
    return http.client.HTTPSConnection(host, port, timeout=_SECONDS, context=context)


def _proxy_of(parts: SplitResult) -> SplitResult | None:
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
