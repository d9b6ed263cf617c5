"""Writes manifests of published objects as JSON, `byoi-tools/manifest/v1`, and reads what anybody may have edited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeGuard

from byoi_tools.model.boot import BootMode
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource, ManifestVerdict
from byoi_tools.model.secret import redact
from byoi_tools.publishing.ownership import is_run_id

SCHEMA = "byoi-tools/manifest/v1"

_LONGEST_TEXT = 255
_MOST_MEMBERS = 64
_LARGEST_SIZE = 2**63 - 1


class NotAManifest(Exception):
    """The text is no manifest; says why, without a word of what it holds."""


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as ASCII with a newline at the end; texts are redacted, and cut at 255 characters."""
    source, verdict = manifest.source, manifest.verdict
    document: dict[str, object] = {
        "schema": SCHEMA,
        "object": manifest.object_name,
        "image_type": manifest.image_type.value,
        "size_bytes": manifest.size_bytes,
        "digests": {digest.algorithm.value: digest.hexadecimal for digest in manifest.digests},
        "etag": manifest.etag,
        "run": manifest.run_id,
        "created": manifest.created.astimezone(UTC).isoformat(timespec="seconds"),
        "source": {
            "name": _clean(source.name),
            "format": source.format.value,
            "virtual_size_bytes": source.virtual_size_bytes,
            "content": str(source.content) if source.content else None,
        },
        "conversion": None if manifest.conversion is None else _clean_members(manifest.conversion),
        "verdict": verdict
        and {
            "profile": _clean(verdict.profile),
            "boot": verdict.boot.value,
            "verdict": "passed" if verdict.has_passed else "failed",
        },
        "tools": _clean_members(manifest.tools),
    }
    return (json.dumps(document, indent=2) + "\n").encode("ascii")


def parse_manifest(content: bytes) -> Manifest:
    """Read a manifest; raises `NotAManifest` for every other content. Members that v1 does not know are passed over."""
    try:
        return _parse(_object(json.loads(content)))
    except RecursionError:
        raise NotAManifest("it is nested too deeply") from None
    except KeyError as missing:
        raise NotAManifest(f"it has no {missing}") from None
    except ValueError:  # of json, UnicodeDecodeError, and what enums and digests raise
        raise NotAManifest("it is no JSON, or a value in it is impossible") from None


def _parse(document: Mapping[str, object]) -> Manifest:
    if document["schema"] != SCHEMA:
        raise NotAManifest(f"its schema is not {SCHEMA}")
    digests = tuple(
        Digest(DigestAlgorithm(name), _text(digits)) for name, digits in _object(document["digests"]).items()
    )
    if not any(digest.algorithm is DigestAlgorithm.SHA256 for digest in digests):
        raise NotAManifest("it has no SHA-256")
    run_id, size_bytes = _text(document["run"]), _count(document["size_bytes"])
    if not is_run_id(run_id) or size_bytes == 0:
        raise NotAManifest("its run or its size is impossible")
    conversion, verdict = document["conversion"], document["verdict"]
    return Manifest(
        object_name=_text(document["object"]),
        image_type=ImageType(document["image_type"]),
        size_bytes=size_bytes,
        digests=digests,
        run_id=run_id,
        created=_moment(document["created"]),
        source=_parse_source(_object(document["source"])),
        tools={name: _text(version) for name, version in _object(document["tools"]).items()},
        etag=None if document["etag"] is None else _text(document["etag"]),
        conversion=None if conversion is None else _options(_object(conversion)),
        verdict=None if verdict is None else _parse_verdict(_object(verdict)),
    )


def _parse_source(source: Mapping[str, object]) -> ManifestSource:
    virtual_size, content = source["virtual_size_bytes"], source["content"]
    return ManifestSource(
        _text(source["name"]),
        ImageFormat(source["format"]),
        None if virtual_size is None else _count(virtual_size),
        None if content is None else Digest.parse(_text(content)),
    )


def _parse_verdict(verdict: Mapping[str, object]) -> ManifestVerdict:
    if verdict["verdict"] not in ("passed", "failed"):
        raise NotAManifest("its verdict is none")
    return ManifestVerdict(_text(verdict["profile"]), BootMode(verdict["boot"]), verdict["verdict"] == "passed")


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict) or len(value) > _MOST_MEMBERS or any(len(name) > _LONGEST_TEXT for name in value):
        raise NotAManifest("a member of it, or all of it, is no object, or too large a one")
    return {redact(name): one for name, one in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise NotAManifest("a member of it is no text, or too long a one")
    return redact(value)


def _count(value: object) -> int:
    if not _is_count(value):
        raise NotAManifest("a member of it is no number, or an impossible one")
    return value


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_SIZE


def _options(members: Mapping[str, object]) -> dict[str, str | int]:
    return {name: value if _is_count(value) else _text(value) for name, value in members.items()}


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise NotAManifest("its time has no zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise NotAManifest("its time is impossible") from None


def _clean_members(members: Mapping[str, str] | Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: _clean(value) if isinstance(value, str) else value for name, value in members.items()}


def _clean(text: str) -> str:
    return redact(text.encode("utf-8", "backslashreplace").decode("utf-8"))[:_LONGEST_TEXT]
