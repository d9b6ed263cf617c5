"""The published JSON Schemas of facts and reports; what is not written here is derived from the types of the facts."""

from __future__ import annotations

from enum import Enum
from typing import get_type_hints

from byoi_tools.model.bios import BootCodeKind
from byoi_tools.model.boot import BootMode
from byoi_tools.model.esp import LoaderKind
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import OutcomeKind, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.partition import PartitionKind
from byoi_tools.model.partition_table import TableScheme
from byoi_tools.reports.facts_json import SCHEMA as FACTS
from byoi_tools.reports.json_schema import DRAFT, Schema, SchemaWriter
from byoi_tools.reports.json_v1 import SCHEMA as REPORT

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_YES_NO: Schema = {"type": "boolean"}
_NOTHING: Schema = {"type": "null"}
_UNKNOWN: Schema = {"$ref": "#/$defs/NotExamined"}


def facts_schema() -> Schema:
    """The schema of what `inspect --format json` prints. Members are added, never renamed or removed, within v1."""
    writer, hints = SchemaWriter(), get_type_hints(Facts)
    members: dict[str, Schema] = {
        "schema": {"const": FACTS},
        "image": _image(),
        "disk": _any(_disk(), _UNKNOWN),
        "esps": _any(_array(_object({"partition": _COUNT, "content": _any(_esp(), _UNKNOWN)})), _UNKNOWN),
        "bios": _any(_bios(), _UNKNOWN),
        "volumes": writer.schema_of(hints["volumes"]),
        "guest": writer.schema_of(hints["guest"]),
    }
    return _document("Facts of an image", members, writer.definitions)


def report_schema() -> Schema:
    """The schema of what `check --format json` prints: a report, or an array of them for several images."""
    image: dict[str, Schema] = {"path": _TEXT, "format": _enum(ImageFormat), "size_bytes": _COUNT}
    members: dict[str, Schema] = {
        "schema": {"const": REPORT},
        "image": _object({**image, "virtual_size_bytes": _any(_COUNT, _NOTHING)}),
        "boot": _enum(BootMode),
        "profile": _TEXT,
        "efi_bootloader_path": _any(_TEXT, _NOTHING),
        "verdict": {"enum": ["passed", "failed"]},
        "outcomes": _array(_outcome()),
    }
    definitions: dict[str, Schema] = {"Report": _object(members)}
    one: Schema = {"$ref": "#/$defs/Report"}
    head: Schema = {"$schema": DRAFT, "title": "Reports on images", "$defs": definitions}
    return {**head, **_any(one, _array(one))}


def _outcome() -> Schema:
    texts = dict.fromkeys(("id", "message", "observed", "expected", "evidence", "remedy"), _TEXT)
    waiver = _object({"reason": _TEXT, "expires": _any({"type": "string", "format": "date"}, _NOTHING)})
    required: dict[str, Schema] = {
        **texts,
        "outcome": _enum(OutcomeKind),
        "severity": {"enum": [severity.word for severity in Severity]},
    }
    schema = _object(required)
    return {**schema, "properties": {**required, "waiver": waiver}}


def _image() -> Schema:
    features = dict.fromkeys(("version", "cluster_size_bytes", "incompatible_features", "snapshot_count"), _COUNT)
    clusters = _object(dict.fromkeys(("data", "compressed", "zero", "missing"), _COUNT))
    qcow2 = _object(
        {
            **features,
            "compression_type": {"enum": ["zlib", "zstd"]},
            "backing_file": _any(_TEXT, _NOTHING),
            "data_file": _any(_TEXT, _NOTHING),
            "encryption_method": _COUNT,
            "clusters": _any(clusters, _UNKNOWN),
        }
    )
    match = _object({"format": _enum(ImageFormat), "offset": _COUNT, "length": _COUNT})
    return _object(
        {
            "path": _TEXT,
            "format": _enum(ImageFormat),
            "size_bytes": _COUNT,
            "allocated_bytes": _COUNT,
            "virtual_size_bytes": _any(_COUNT, _UNKNOWN),
            "matches": _array(match),
            "damage": _TEXT,
            "qcow2": _any(qcow2, _NOTHING),
        }
    )


def _disk() -> Schema:
    file_system = _object({"name": _TEXT, "uuid": _TEXT, "label": _TEXT})
    partition = _object(
        {
            **dict.fromkeys(("number", "first_lba", "last_lba", "size_bytes"), _COUNT),
            **dict.fromkeys(("type", "name", "guid"), _TEXT),
            "kind": _enum(PartitionKind),
            "is_active": _YES_NO,
            "file_system": _any(file_system, _NOTHING),
        }
    )
    return _object(
        {
            "size_bytes": _COUNT,
            "sector_size_bytes": _COUNT,
            "table": _enum(TableScheme),
            "guid": _any(_TEXT, _NOTHING),
            "whole_disk": _any(_TEXT, _NOTHING),
            "partitions": _array(partition),
        }
    )


def _esp() -> Schema:
    program = _object(
        {
            "path": _TEXT,
            "kind": _enum(LoaderKind),
            "machine": _any(_TEXT, _NOTHING),
            "subsystem": _any(_COUNT, _NOTHING),
            "is_signed": _any(_YES_NO, _NOTHING),
            "grub_prefix": _any(_TEXT, _NOTHING),
            "problem": _TEXT,
        }
    )
    return _object(
        {
            **dict.fromkeys(("fat_bits", "size_bytes", "free_bytes"), _COUNT),
            "label": _TEXT,
            "efi_bootloader_path": _any(_TEXT, _NOTHING),
            "files": _array(_object({"path": _TEXT, "size_bytes": _COUNT})),
            "programs": _array(program),
        }
    )


def _bios() -> Schema:
    core = _object({"first_lba": _COUNT, "partition": _any(_COUNT, _NOTHING), "problem": _TEXT})
    return _object({"boot_code": _enum(BootCodeKind), "grub_core": _any(core, _NOTHING)})


def _document(title: str, members: dict[str, Schema], definitions: dict[str, Schema]) -> Schema:
    return {"$schema": DRAFT, "title": title, **_object(members), "$defs": definitions}


def _object(members: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": members, "required": list(members)}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _enum(kind: type[Enum]) -> Schema:
    return {"enum": [member.value for member in kind]}
