"""From `publish` to `objects gc`: what one leaves in the store is what the other finds there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixtures.object_store import ObjectStore
from tests.command import byoi_tools
from tests.object_listing import is_empty, list_keys
from tests.own_objects import is_squeezed, squeeze_manifest


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "my image.raw"
    path.write_bytes(os.urandom(3 * 2**20))
    return path


def run(store: ObjectStore, bucket: str, *arguments: str | Path) -> Any:
    done = byoi_tools(*arguments, "--to", f"s3://{bucket}/debian", "--format", "json", environment=store.environment)
    assert done.code == 0, done.said
    return json.loads(done.output)


def key_in(bucket: str, address: str) -> str:
    return address.removeprefix(f"s3://{bucket}/")


def test_what_was_published_is_listed_checked_and_collected(
    object_store: ObjectStore, bucket: str, image: Path, tmp_path: Path
) -> None:
    published = run(object_store, bucket, "publish", image)

    key = key_in(bucket, published["object"])
    assert [key_in(bucket, each) for each in published["sidecars"]] == [
        f"{key}{suffix}" for suffix in (".sha256", ".sha512", ".json")
    ]
    assert list_keys(object_store, bucket) == sorted([key, *(key_in(bucket, each) for each in published["sidecars"])])

    (entry,) = run(object_store, bucket, "objects", "list")["entries"]
    assert (entry["kind"], entry["object"]) == ("image", published["object"])
    assert entry["sha256"] == published["digests"]["sha256"]
    assert sorted(entry["sidecars"]) == sorted(published["sidecars"])

    download = tmp_path / "download"
    download.mkdir()
    for each in list_keys(object_store, bucket):
        object_store.client.download_file(bucket, each, str(download / Path(each).name))
    for program in ("sha256sum", "sha512sum"):
        sidecar = f"{Path(key).name}.{program.removesuffix('sum')}"
        subprocess.run([program, "--check", "--strict", "--status", sidecar], cwd=download, check=True)

    removed = run(object_store, bucket, "objects", "gc", "--older-than", "0s")
    assert [(each["kind"], each["fate"]) for each in removed["entries"]] == [("image", "removed")]
    assert is_empty(object_store, bucket)


def test_published_again_it_is_young_again(object_store: ObjectStore, bucket: str, image: Path) -> None:
    first = run(object_store, bucket, "publish", image)
    key = key_in(bucket, first["object"])
    squeeze_manifest(object_store, bucket, key)

    second = run(object_store, bucket, "publish", image)

    assert second["reused"]
    assert second["sidecars"] == first["sidecars"]
    assert not is_squeezed(object_store, bucket, key)


def test_same_bytes_without_our_mark_are_replaced(object_store: ObjectStore, bucket: str, image: Path) -> None:
    """Whoever copies an object by hand loses its metadata, or a part of them."""
    key = key_in(bucket, run(object_store, bucket, "publish", image)["object"])
    metadata = object_store.client.head_object(Bucket=bucket, Key=key)["Metadata"]
    del metadata["byoi-run"]
    object_store.client.put_object(Bucket=bucket, Key=key, Body=image.read_bytes(), Metadata=metadata)

    assert not run(object_store, bucket, "publish", image)["reused"]
    (entry,) = run(object_store, bucket, "objects", "list")["entries"]
    assert entry["kind"] == "image"
