"""Manifests come back as they were written, and a file that is none is never taken for one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.model.boot import BootMode
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource, ManifestVerdict
from byoi_tools.publishing.manifest import NotAManifest, parse_manifest, write_manifest
from byoi_tools.reports.publishing_schemas import manifest_schema
from tests.unit.reports.closed_schema import closed

SHA256, SHA512 = Digest(DigestAlgorithm.SHA256, "1f" * 32), Digest(DigestAlgorithm.SHA512, "2e" * 64)
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAIN = Manifest(
    "debian-0123456789abcdef.raw",
    ImageType.RAW,
    4096,
    (SHA256, SHA512),
    "ab" * 16,
    CREATED,
    ManifestSource("debian.raw", ImageFormat.RAW),
    {},
)
FULL = Manifest(
    "debian-0123456789abcdef.qcow2",
    ImageType.QCOW2,
    2**40,
    (SHA256, SHA512, Digest(DigestAlgorithm.MD5, "0" * 32)),
    "cd" * 16,
    CREATED,
    ManifestSource("débian\n.vmdk", ImageFormat.VMDK, 2**41, SHA256),
    {"byoi-tools": "0.1.0", "isal": "1.7.2"},
    "0123-7",
    {"engine": "writer", "compression": "zlib", "cluster_size_bytes": 65536},
    ManifestVerdict("ovh-byoi-uefi", BootMode.UEFI, has_passed=True),
)
# What the document of PLAIN looks like to somebody who read the schema alone.
DOCUMENT: dict[str, Any] = {
    "schema": "byoi-tools/manifest/v1",
    "object": "debian-0123456789abcdef.raw",
    "image_type": "raw",
    "size_bytes": 4096,
    "digests": {"sha256": "1f" * 32, "sha512": "2e" * 64},
    "etag": None,
    "run": "ab" * 16,
    "created": "2026-01-02T03:04:05+00:00",
    "source": {"name": "debian.raw", "format": "raw", "virtual_size_bytes": None, "content": None},
    "conversion": None,
    "verdict": None,
    "tools": {},
}


def test_the_document() -> None:
    assert json.loads(write_manifest(PLAIN)) == DOCUMENT


@pytest.mark.parametrize("manifest", [PLAIN, FULL], ids=["plain", "full"])
def test_what_was_written_is_read(manifest: Manifest) -> None:
    assert parse_manifest(write_manifest(manifest)) == manifest


@pytest.mark.parametrize("manifest", [PLAIN, FULL], ids=["plain", "full"])
def test_what_is_written_is_what_the_schema_says(manifest: Manifest) -> None:
    jsonschema.Draft202012Validator(closed(manifest_schema())).validate(json.loads(write_manifest(manifest)))


def test_members_of_a_later_version_are_passed_over() -> None:
    assert parse_manifest(json.dumps({**DOCUMENT, "later": [1]}).encode()) == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "byoi-tools/manifest/v2"},
        {"object": 7},
        {"object": "x" * 256},
        {"image_type": "vmdk"},
        {"image_type": ["raw"]},
        {"size_bytes": 0},
        {"size_bytes": -1},
        {"size_bytes": True},
        {"size_bytes": 1e300},
        {"size_bytes": 2**64},
        {"size_bytes": "4096"},
        {"digests": {}},
        {"digests": {"sha512": "2e" * 64}},
        {"digests": {"sha256": "1F" * 32}},
        {"digests": {"sha256": "1f"}},
        {"digests": {"sha256": "1f" * 32, "crc32": "00"}},
        {"digests": [["sha256", "1f" * 32]]},
        {"run": "../../x"},
        {"created": "yesterday"},
        {"created": "2026-01-02T03:04:05"},
        {"created": "0001-01-01T00:00:00+14:00"},
        {"created": 1767323045},
        {"source": None},
        {"source": {**DOCUMENT["source"], "format": "floppy"}},
        {"source": {**DOCUMENT["source"], "format": {}}},
        {"source": {**DOCUMENT["source"], "virtual_size_bytes": "big"}},
        {"source": {**DOCUMENT["source"], "content": "1f"}},
        {"conversion": {"level": [1]}},
        {"conversion": {str(number): number for number in range(65)}},
        {"verdict": {"profile": "x", "boot": "uefi", "verdict": "perhaps"}},
        {"verdict": {"profile": "x", "boot": "floppy", "verdict": "passed"}},
        {"tools": {"qemu-img": 8}},
        {"tools": "qemu-img"},
    ],
    ids=str,
)
def test_impossible_values(change: dict[str, Any]) -> None:
    with pytest.raises(NotAManifest):
        parse_manifest(json.dumps({**DOCUMENT, **change}).encode())


@pytest.mark.parametrize("name", list(DOCUMENT))
def test_missing_members(name: str) -> None:
    without = {key: value for key, value in DOCUMENT.items() if key != name}

    with pytest.raises(NotAManifest, match=name):
        parse_manifest(json.dumps(without).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"null", b"[]", b'"text"', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"NaN", b"\x00" * 9],
    ids=lambda content: repr(content[:9]),
)
def test_what_is_no_document(content: bytes) -> None:
    with pytest.raises(NotAManifest):
        parse_manifest(content)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(name=st.sampled_from(list(DOCUMENT)), value=_JSON)
def test_any_value_of_any_member_is_read_or_refused(name: str, value: object) -> None:
    try:
        parse_manifest(json.dumps({**DOCUMENT, name: value}).encode())
    except NotAManifest as refused:
        assert str(refused).isprintable()


def test_no_secret_is_written_or_read() -> None:
    url = "https://user:hunter2@store.example/x?X-Amz-Signature=5160a7e5"
    document = {**DOCUMENT, "source": {**DOCUMENT["source"], "name": url}, "tools": {url: url}}

    read = parse_manifest(json.dumps(document).encode())
    written = write_manifest(
        Manifest(
            PLAIN.object_name,
            PLAIN.image_type,
            1,
            PLAIN.digests,
            PLAIN.run_id,
            CREATED,
            ManifestSource(url, ImageFormat.RAW),
            {"x": url},
        )
    ).decode()

    for text in (repr(read), written):
        assert "hunter2" not in text
        assert "5160a7e5" not in text


def test_names_that_no_json_can_have_are_escaped() -> None:
    manifest = Manifest(
        PLAIN.object_name,
        PLAIN.image_type,
        1,
        PLAIN.digests,
        PLAIN.run_id,
        CREATED,
        ManifestSource("a\udcff" + "x" * 300, ImageFormat.RAW),
        {},
    )

    name = json.loads(write_manifest(manifest))["source"]["name"]

    assert name.startswith("a\\udcffx")
    assert len(name) == 255
