"""The published JSON Schemas of what lies beside an object, and of what `objects` prints."""

from __future__ import annotations

from byoi_tools.model.boot import BootMode
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.publishing.own_object import Fate
from byoi_tools.reports.json_schema import Schema
from byoi_tools.reports.schema_parts import COUNT, MOMENT, NOTHING, TEXT, any_of, array_of, document, enum_of, object_of

MANIFEST = "byoi-tools/manifest/v1"
OBJECTS = "byoi-tools/objects/v1"
REMOVAL = "byoi-tools/removal/v1"


def manifest_schema() -> Schema:
    """The schema of `KEY.json` beside a published object. Members are added, never renamed or removed, within v1."""
    source = object_of(
        {
            "name": TEXT,
            "format": enum_of(ImageFormat),
            "virtual_size_bytes": any_of(COUNT, NOTHING),
            "content": any_of({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}, NOTHING),
        }
    )
    conversion: Schema = {"type": "object", "additionalProperties": any_of(TEXT, COUNT)}
    verdict = object_of({"profile": TEXT, "boot": enum_of(BootMode), "verdict": {"enum": ["passed", "failed"]}})
    members: dict[str, Schema] = {
        "schema": {"const": MANIFEST},
        "object": TEXT,
        "image_type": enum_of(ImageType),
        "size_bytes": {"type": "integer", "minimum": 1},
        "digests": digests_schema(),
        "etag": any_of(TEXT, NOTHING),
        "run": {"type": "string", "pattern": "^[0-9a-f]{16,64}$"},
        "created": MOMENT,
        "source": source,
        "conversion": any_of(conversion, NOTHING),
        "verdict": any_of(verdict, NOTHING),
        "tools": {"type": "object", "additionalProperties": TEXT},
    }
    return document("Manifest of a published object", members)


def objects_schema() -> Schema:
    """The schema of what `objects list --format json` prints."""
    members: dict[str, Schema] = {
        "schema": {"const": OBJECTS},
        "destination": TEXT,
        "time": MOMENT,
        "entries": array_of(any_of(*(object_of(entry) for entry in _own_entries()))),
    }
    return document("Objects of byoi-tools in a store", members)


def removal_schema() -> Schema:
    """The schema of what `objects delete` and `objects gc` print with `--format json`."""
    fate: Schema = {"enum": [fate.name.lower() for fate in Fate]}
    foreign: dict[str, Schema] = {"kind": {"const": "foreign"}, "object": TEXT}
    entries = [object_of({"fate": fate, **entry}) for entry in (*_own_entries(), foreign)]
    members: dict[str, Schema] = {
        "schema": {"const": REMOVAL},
        "destination": TEXT,
        "time": MOMENT,
        "entries": array_of(any_of(*entries)),
    }
    return document("What became of objects in a store", members)


def _own_entries() -> tuple[dict[str, Schema], ...]:
    all_have: dict[str, Schema] = {"object": TEXT, "size_bytes": COUNT, "last_used": MOMENT}
    sidecars = array_of(TEXT)
    sha256 = any_of({"type": "string", "pattern": "^[0-9a-f]{64}$"}, NOTHING)
    image: dict[str, Schema] = {"kind": {"const": "image"}, **all_have, "run": TEXT, "version": TEXT, "sha256": sha256}
    return (
        {**image, "sidecars": sidecars},
        {"kind": {"const": "leftover"}, **all_have, "sidecars": sidecars},
        {"kind": {"const": "upload"}, **all_have, "upload_id": TEXT},
    )


def digests_schema() -> Schema:
    """An object of digests by their algorithms; SHA-256 is always among them."""
    digits = {
        algorithm.value: {"type": "string", "pattern": f"^[0-9a-f]{{{algorithm.hex_length}}}$"}
        for algorithm in DigestAlgorithm
    }
    return {"type": "object", "properties": digits, "required": [DigestAlgorithm.SHA256.value]}
