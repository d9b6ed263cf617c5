"""The published JSON Schema of what `rehearse --format json` prints."""

from __future__ import annotations

from typing import get_type_hints

from byoi_tools.model.boot import BootMode
from byoi_tools.model.finding import Severity
from byoi_tools.model.rehearsal import DiskBus, Milestone, NetworkCard, Rehearsal, Until
from byoi_tools.reports.json_schema import Schema, SchemaWriter
from byoi_tools.reports.rehearsal import SCHEMA
from byoi_tools.reports.schema_parts import COUNT, NOTHING, TEXT, YES_NO, any_of, array_of, document, enum_of, object_of

_SECONDS: Schema = {"type": "number", "minimum": 0}


def rehearsal_schema() -> Schema:
    """The schema of a rehearsal. Members are added, never renamed or removed, within v1."""
    writer = SchemaWriter()
    guest = writer.schema_of(get_type_hints(Rehearsal)["guest"])
    screen = writer.schema_of(get_type_hints(Rehearsal)["screen"])
    milestone: dict[str, Schema] = {"name": enum_of(Milestone), "is_reached": YES_NO}
    finding = dict.fromkeys(("id", "message", "observed", "remedy"), TEXT)
    severity: Schema = {"enum": [severity.word for severity in Severity]}
    members: dict[str, Schema] = {
        "schema": {"const": SCHEMA},
        "boot": enum_of(BootMode),
        "efi_bootloader_path": any_of(TEXT, NOTHING),
        "secure_boot": YES_NO,
        "disk": enum_of(DiskBus),
        "network": enum_of(NetworkCard),
        "memory_bytes": COUNT,
        "accelerator": {"enum": ["kvm", "tcg", "none"]},
        "until": enum_of(Until),
        "verdict": {"enum": ["booted", "failed"]},
        "seconds": _SECONDS,
        "ending": TEXT,
        "missed": any_of(enum_of(Milestone), NOTHING),
        "milestones": array_of(object_of({**milestone, "seconds": any_of(_SECONDS, NOTHING), "seen": TEXT})),
        "is_console_silent": YES_NO,
        "screen": screen,
        "guest": guest,
        "contradictions": array_of(TEXT),
        "explained_by": array_of(object_of({**finding, "severity": severity})),
        "console_end": array_of(TEXT),
    }
    return document("Rehearsal of a boot", members, writer.definitions)
