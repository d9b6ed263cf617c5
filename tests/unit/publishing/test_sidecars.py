"""Sidecars in a real store: coreutils check what they name, and only an object's own manifest is believed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.ownership import describe_owner, new_run_id
from byoi_tools.publishing.sidecars import read_manifest, write_beside
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.object_listing import list_keys

CONTENT = os.urandom(5000)
NAME = "my-image-0123456789abcdef.qcow2"
KEY = f"debian/12/{NAME}"
RUN = new_run_id()


class Warnings(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warned(self, message: str) -> None:
        self.texts.append(message)


def put(store: ObjectStore, bucket: str, key: str = KEY, content: bytes = CONTENT, run_id: str = RUN) -> ObjectAddress:
    store.client.put_object(Bucket=bucket, Key=key, Body=content, Metadata=describe_owner(run_id))
    return ObjectAddress(bucket, key)


def manifest(name: str = NAME, *, run_id: str = RUN) -> Manifest:
    digests = tuple(
        Digest(algorithm, hashlib.new(algorithm.value, CONTENT).hexdigest())
        for algorithm in (DigestAlgorithm.SHA256, DigestAlgorithm.SHA512)
    )
    source = ManifestSource("my image.qcow2", ImageFormat.QCOW2, 2**30)
    created = datetime(2026, 1, 2, tzinfo=UTC)
    return Manifest(name, ImageType.QCOW2, len(CONTENT), digests, run_id, created, source, {"byoi-tools": "0.1.0"})


def read(address: ObjectAddress) -> tuple[Manifest | None, list[str]]:
    """Return the manifest as a later run reads it, and what it warns of."""
    storage, warnings = ObjectStorage(), Warnings()
    stored = storage.head(address)
    assert stored is not None
    return read_manifest(storage, address, stored, warnings), warnings.texts


def test_coreutils_check_what_was_downloaded(object_store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    write_beside(ObjectStorage(), put(object_store, bucket), manifest())

    assert list_keys(object_store, bucket) == [KEY, KEY + ".json", KEY + ".sha256", KEY + ".sha512"]
    for key in list_keys(object_store, bucket):
        object_store.client.download_file(bucket, key, str(tmp_path / key.rpartition("/")[2]))
    for program in ("sha256sum", "sha512sum"):
        command = [program, "--check", "--strict", f"{NAME}.{program.removesuffix('sum')}"]
        checked = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, text=True)
        assert checked.stdout == f"{NAME}: OK\n"
        (tmp_path / NAME).write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1
        (tmp_path / NAME).write_bytes(CONTENT)


def test_sidecars_have_their_owner_and_their_types(object_store: ObjectStore, bucket: str) -> None:
    addresses = write_beside(ObjectStorage(), put(object_store, bucket), manifest())

    found = [object_store.client.head_object(Bucket=bucket, Key=address.key) for address in addresses]
    assert [address.key for address in addresses] == [KEY + ".sha256", KEY + ".sha512", KEY + ".json"]
    assert [one["ContentType"] for one in found] == ["text/plain", "text/plain", "application/json"]
    assert all(one["Metadata"]["byoi-run"] == RUN for one in found)
    assert all(one["Metadata"]["byoi-tool"] == "byoi-tools/0.1.0" for one in found)


def test_manifest_is_read_back(object_store: ObjectStore, bucket: str) -> None:
    address = put(object_store, bucket)
    assert read(address) == (None, [])

    write_beside(ObjectStorage(), address, manifest())

    assert read(address) == (manifest(), [])


def test_written_again_is_replaced(object_store: ObjectStore, bucket: str) -> None:
    address = put(object_store, bucket)
    write_beside(ObjectStorage(), address, manifest())
    newer = replace(manifest(), created=datetime(2026, 5, 6, tzinfo=UTC))

    write_beside(ObjectStorage(), address, newer)

    assert read(address)[0] == newer


@pytest.mark.parametrize(
    "other",
    [
        manifest(run_id=new_run_id()),
        manifest("other-0123456789abcdef.qcow2"),
        replace(manifest(), size_bytes=len(CONTENT) + 1),
    ],
    ids=["run", "name", "size"],
)
def test_manifest_of_another_object_is_not_used(object_store: ObjectStore, bucket: str, other: Manifest) -> None:
    address = put(object_store, bucket)
    write_beside(ObjectStorage(), address, other)

    found, warnings = read(address)

    assert found is None
    assert warnings == [f"s3://{bucket}/{KEY}.json is not used: it was not written for the object that lies there now"]


def test_object_that_is_not_ours_has_no_manifest(object_store: ObjectStore, bucket: str) -> None:
    address = put(object_store, bucket)
    write_beside(ObjectStorage(), address, manifest())
    object_store.client.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)

    assert read(address)[0] is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1b]0;owned\x07", b"[" * 100_000, json.dumps({"schema": "\x1b[2J"}).encode(), b" " * (2**20 + 1)],
    ids=["empty", "binary", "deep", "foreign", "large"],
)
def test_what_is_no_manifest_is_as_if_not_there(object_store: ObjectStore, bucket: str, content: bytes) -> None:
    address = put(object_store, bucket)
    object_store.client.put_object(Bucket=bucket, Key=KEY + ".json", Body=content)

    found, warnings = read(address)

    assert found is None
    assert len(warnings) == 1
    assert "is not used" in warnings[0]
    assert warnings[0].isprintable()


def test_absent_bucket_is_an_error(object_store: ObjectStore, bucket: str) -> None:
    address = put(object_store, bucket)
    stored = ObjectStorage().head(address)
    assert stored is not None

    with pytest.raises(StorageError, match="no such bucket"):
        read_manifest(ObjectStorage(), ObjectAddress("absent-" + bucket, KEY), stored, Observer())
    with pytest.raises(StorageError, match="no such bucket"):
        write_beside(ObjectStorage(), ObjectAddress("absent-" + bucket, KEY), manifest())
