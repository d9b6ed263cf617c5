"""The request to the provider's API: the right to send it, and what it will say."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.api.rights import credentials_rights
from byoi_tools.checks.api.order import payload_schema, loader_path_escape, hostname, ssh_key, metadata
from byoi_tools.checks.api.delivery import headers, url_life
from byoi_tools.checks.api.partitioning import partitioning

__all__ = [
    "credentials_rights",
    "headers",
    "hostname",
    "loader_path_escape",
    "metadata",
    "partitioning",
    "payload_schema",
    "ssh_key",
    "url_life",
]
