"""Connects to the object store that an address names: an OVHcloud region, or what boto3's configuration says."""

from __future__ import annotations

import os

from byoi_tools.model.publishing.ovh_storage import StoreEndpoint
from byoi_tools.tools.object_store.connection import StoreConnection

ENDPOINT_VARIABLE = "BYOI_OVH_ENDPOINT"


def connect_to(endpoint: StoreEndpoint | None) -> StoreConnection:
    """Return a connection with boto3's credentials; without an endpoint, to where AWS_ENDPOINT_URL_S3 and its like say.

    An endpoint that an address names wins over AWS_ENDPOINT_URL_S3 and AWS_DEFAULT_REGION: those may still be set for
    another region. BYOI_OVH_ENDPOINT replaces the form of OVHcloud's endpoints, `{region}` in it becomes the region:
    for its legacy endpoints (`https://s3.{region}.perf.cloud.ovh.net`), for a proxy, and for tests.
    """
    if endpoint is None:
        return StoreConnection()
    form = os.environ.get(ENDPOINT_VARIABLE)
    return StoreConnection(form.replace("{region}", endpoint.region) if form else endpoint.url, endpoint.region)
