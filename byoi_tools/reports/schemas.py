"""The published JSON Schemas of facts and reports; what is not written here is derived from the types of the facts."""

from __future__ import annotations

from typing import get_type_hints

from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import OutcomeKind, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.reports.facts_json import SCHEMA as FACTS
from byoi_tools.reports.json_schema import DRAFT, Schema, SchemaWriter
from byoi_tools.reports.json_v1 import SCHEMA as REPORT
from byoi_tools.reports.schema_parts import COUNT, NOTHING, TEXT, YES_NO, any_of, array_of, document, enum_of, object_of

_UNKNOWN: Schema = {"$ref": "#/$defs/NotExamined"}


def facts_schema() -> Schema:
    """The schema of what `inspect --format json` prints. Members are added, never renamed or removed, within v1."""
    writer, hints = SchemaWriter(), get_type_hints(Facts)
    members: dict[str, Schema] = {
        "schema": {"const": FACTS},
        "image": _image(),
        "disk": any_of(_disk(), _UNKNOWN),
        "esps": any_of(array_of(object_of({"partition": COUNT, "content": any_of(_esp(), _UNKNOWN)})), _UNKNOWN),
        "bios": any_of(_bios(), _UNKNOWN),
        "volumes": writer.schema_of(hints["volumes"]),
        "guest": writer.schema_of(hints["guest"]),
    }
    return document("Facts of an image", members, writer.definitions)


def report_schema() -> Schema:
    """The schema of what `check --format json` prints: a report, or an array of them for several images."""
    image: dict[str, Schema] = {"path": TEXT, "format": enum_of(ImageFormat), "size_bytes": COUNT}
    members: dict[str, Schema] = {
        "schema": {"const": REPORT},
        "image": object_of({**image, "virtual_size_bytes": any_of(COUNT, NOTHING)}),
        "boot": enum_of(BootMode),
        "profile": TEXT,
        "efi_bootloader_path": any_of(TEXT, NOTHING),
        "verdict": {"enum": ["passed", "failed"]},
        "outcomes": array_of(_outcome()),
    }
    definitions: dict[str, Schema] = {"Report": object_of(members)}
    one: Schema = {"$ref": "#/$defs/Report"}
    head: Schema = {"$schema": DRAFT, "title": "Reports on images", "$defs": definitions}
    return {**head, **any_of(one, array_of(one))}


def _outcome() -> Schema:
    texts = dict.fromkeys(("id", "message", "observed", "expected", "evidence", "remedy"), TEXT)
    waiver = object_of({"reason": TEXT, "expires": any_of({"type": "string", "format": "date"}, NOTHING)})
    required: dict[str, Schema] = {
        **texts,
        "outcome": enum_of(OutcomeKind),
        "severity": {"enum": [severity.word for severity in Severity]},
    }
    schema = object_of(required)
    return {**schema, "properties": {**required, "waiver": waiver}}


def _image() -> Schema:
    features = dict.fromkeys(("version", "cluster_size_bytes", "incompatible_features", "snapshot_count"), COUNT)
    clusters = object_of(dict.fromkeys(("data", "compressed", "zero", "missing"), COUNT))
    qcow2 = object_of(
        {
            **features,
            "compression_type": {"enum": ["zlib", "zstd"]},
            "backing_file": any_of(TEXT, NOTHING),
            "data_file": any_of(TEXT, NOTHING),
            "encryption_method": COUNT,
            "clusters": any_of(clusters, _UNKNOWN),
        }
    )
    match = object_of({"format": enum_of(ImageFormat), "offset": COUNT, "length": COUNT})
    return object_of(
        {
            "path": TEXT,
            "format": enum_of(ImageFormat),
            "size_bytes": COUNT,
            "allocated_bytes": COUNT,
            "virtual_size_bytes": any_of(COUNT, _UNKNOWN),
            "matches": array_of(match),
            "damage": TEXT,
            "wrappers": array_of(enum_of(ImageFormat)),
            "qcow2": any_of(qcow2, NOTHING),
        }
    )


def _disk() -> Schema:
    file_system = object_of({"name": TEXT, "uuid": TEXT, "label": TEXT})
    partition = object_of(
        {
            **dict.fromkeys(("number", "first_lba", "last_lba", "size_bytes"), COUNT),
            **dict.fromkeys(("type", "name", "guid"), TEXT),
            "kind": enum_of(PartitionKind),
            "is_active": YES_NO,
            "file_system": any_of(file_system, NOTHING),
        }
    )
    return object_of(
        {
            "size_bytes": COUNT,
            "sector_size_bytes": COUNT,
            "table": enum_of(TableScheme),
            "guid": any_of(TEXT, NOTHING),
            "whole_disk": any_of(TEXT, NOTHING),
            "partitions": array_of(partition),
        }
    )


def _esp() -> Schema:
    program = object_of(
        {
            "path": TEXT,
            "kind": enum_of(LoaderKind),
            "machine": any_of(TEXT, NOTHING),
            "subsystem": any_of(COUNT, NOTHING),
            "is_signed": any_of(YES_NO, NOTHING),
            "grub_prefix": any_of(TEXT, NOTHING),
            "problem": TEXT,
        }
    )
    return object_of(
        {
            **dict.fromkeys(("fat_bits", "size_bytes", "free_bytes"), COUNT),
            "label": TEXT,
            "efi_bootloader_path": any_of(TEXT, NOTHING),
            "files": array_of(object_of({"path": TEXT, "size_bytes": COUNT})),
            "programs": array_of(program),
        }
    )


def _bios() -> Schema:
    core = object_of({"first_lba": COUNT, "partition": any_of(COUNT, NOTHING), "problem": TEXT})
    return object_of({"boot_code": enum_of(BootCodeKind), "grub_core": any_of(core, NOTHING)})
