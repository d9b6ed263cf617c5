"""An image, and a proxy before the store, for the tests of uploads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.store_proxy import StoreProxy
from tests.uploads import PART


@pytest.fixture
def four_parts(tmp_path: Path) -> Path:
    """A file of four parts."""
    path = tmp_path / "image.raw"
    path.write_bytes(os.urandom(3 * PART + 4321))
    return path


@pytest.fixture
def proxy(object_store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreProxy]:
    """Between what is tested and the store."""
    with StoreProxy(object_store.endpoint_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        yield proxy
