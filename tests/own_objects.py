"""Puts into a store what a run of this tool leaves there, by a client of the tests' own."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.manifest import write_manifest
from fixtures.object_store import ObjectStore

RUN = "0123456789abcdef" * 2
MARK = {"byoi-run": RUN, "byoi-tool": "byoi-tools/0.1.0"}
CONTENT = b"the bytes of an image"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SUFFIXES = ("", ".json", ".sha256", ".sha512")


def image_key(name: str) -> str:
    """A key of the form that the README shows: NAME-DIGITS.qcow2."""
    return f"{name}-{'0123456789abcdef'}.qcow2"


def put_image(store: ObjectStore, bucket: str, name: str, suffixes: tuple[str, ...] = SUFFIXES) -> ObjectAddress:
    """Store an image of this tool with its sidecars, or only those members of the family that are named."""
    key = image_key(name)
    sha256, sha512 = (getattr(hashlib, kind)(CONTENT).hexdigest() for kind in ("sha256", "sha512"))
    base = key.rpartition("/")[2]
    contents = {
        "": CONTENT,
        ".json": write_manifest(manifest_of(base)),
        ".sha256": f"{sha256}  {base}\n".encode(),
        ".sha512": f"{sha512}  {base}\n".encode(),
    }
    for suffix in suffixes:
        store.client.put_object(Bucket=bucket, Key=key + suffix, Body=contents[suffix], Metadata=MARK)
    return ObjectAddress(bucket, key)


def place_image(directory: Path, name: str, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Put an image of this tool with its sidecars into a directory, or only those members that are named."""
    base = image_key(name)
    contents = {"": CONTENT, ".json": write_manifest(manifest_of(base))} | {
        f".{kind}": f"{hashlib.new(kind, CONTENT).hexdigest()}  {base}\n".encode()
        for kind in ("md5", "sha1", "sha256", "sha512")
    }
    for suffix in suffixes:
        (directory / (base + suffix)).write_bytes(contents[suffix])
    return directory / base


def manifest_of(object_name: str) -> Manifest:
    """The manifest of what `put_image` stores."""
    return Manifest(
        object_name,
        ImageType.QCOW2,
        len(CONTENT),
        (Digest(DigestAlgorithm.SHA256, SHA256),),
        RUN,
        datetime(2026, 1, 2, tzinfo=UTC),
        ManifestSource("image.qcow2", ImageFormat.QCOW2),
        {},
    )


def put_foreign(store: ObjectStore, bucket: str, key: str) -> None:
    """Store something that this tool did not write."""
    store.client.put_object(Bucket=bucket, Key=key, Body=b"somebody else's")


def begin_upload(store: ObjectStore, bucket: str, key: str, content: bytes = b"a part") -> str:
    """Leave an incomplete upload of one part, and return its id."""
    upload_id = store.client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    store.client.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=1, Body=content)
    return upload_id


def uploads_in(store: ObjectStore, bucket: str) -> list[str]:
    """The keys of all incomplete uploads in the bucket."""
    return sorted(each["Key"] for each in store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


def squeeze_manifest(store: ObjectStore, bucket: str, key: str) -> None:
    """Write the manifest of an image on one line, so that it shows whether it is written again."""
    found = store.client.get_object(Bucket=bucket, Key=f"{key}.json")
    content = json.dumps(json.loads(found["Body"].read())).encode()
    store.client.put_object(Bucket=bucket, Key=f"{key}.json", Body=content, Metadata=found["Metadata"])


def is_squeezed(store: ObjectStore, bucket: str, key: str) -> bool:
    """Whether nobody wrote the manifest since it was squeezed."""
    return b"\n" not in store.client.get_object(Bucket=bucket, Key=f"{key}.json")["Body"].read()
