"""Which store a connection leads to, seen from what boto3 would send its requests to."""

from __future__ import annotations

import pytest

from byoi_tools.model.publishing.ovh_storage import StoreEndpoint, find_endpoint
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.connection import QUICK
from byoi_tools.tools.object_store.endpoint import connect_to
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore

GRA = find_endpoint("gra")


def where(endpoint: StoreEndpoint | None) -> tuple[str, str]:
    meta = connect_to(endpoint).client(QUICK).meta
    return meta.endpoint_url, meta.region_name


def test_without_an_endpoint_boto3s_own_configuration_counts(bucket: str, object_store: ObjectStore) -> None:
    assert where(None) == (object_store.endpoint_url, "us-east-1")


def test_a_region_wins_over_what_the_environment_says(bucket: str) -> None:
    assert where(GRA) == ("https://s3.gra.io.cloud.ovh.net", "gra")  # OVHcloud's guide s3-location, 2026-09-24


def test_the_form_of_the_endpoints_can_be_another(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYOI_OVH_ENDPOINT", "https://s3.{region}.perf.cloud.ovh.net")
    assert where(GRA) == ("https://s3.gra.perf.cloud.ovh.net", "gra")


def test_a_store_is_used_with_the_regions_signature(
    bucket: str, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYOI_OVH_ENDPOINT", object_store.endpoint_url)
    storage = ObjectStorage(connect_to(GRA))
    storage.check_access(bucket)
    assert storage.head(ObjectAddress(bucket, "nothing")) is None
