"""The verb `schema`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from byoi_tools.cli.terminal import write_result


class Document(Enum):
    """What has a schema."""

    FACTS = "facts"
    REPORT = "report"
    MANIFEST = "manifest"
    OBJECTS = "objects"
    REMOVAL = "removal"
    REHEARSAL = "rehearsal"
    PLAN = "plan"


_NAME = (
    "What inspect (facts), check (report), rehearse (rehearsal), objects list (objects), objects delete or gc "
    "(removal) print, publish stores beside an object (manifest), or plan writes (plan)."
)
Name = Annotated[Document, typer.Argument(help=_NAME, show_default=False)]


def schema(name: Name) -> None:
    """Show the JSON Schema of the JSON output."""
    from byoi_tools.reports.plain import write_json
    from byoi_tools.reports.plan_v1 import plan_schema
    from byoi_tools.reports.publishing_schemas import manifest_schema, objects_schema, removal_schema
    from byoi_tools.reports.rehearsal_schema import rehearsal_schema
    from byoi_tools.reports.schemas import facts_schema, report_schema

    schemas = {
        Document.FACTS: facts_schema,
        Document.REPORT: report_schema,
        Document.MANIFEST: manifest_schema,
        Document.OBJECTS: objects_schema,
        Document.REMOVAL: removal_schema,
        Document.REHEARSAL: rehearsal_schema,
        Document.PLAN: plan_schema,
    }
    write_result(write_json(schemas[name]()))
