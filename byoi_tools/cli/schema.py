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


_NAME = "What inspect (facts) or check (report) prints, or what publish stores beside an object (manifest)."
Name = Annotated[Document, typer.Argument(help=_NAME, show_default=False)]


def schema(name: Name) -> None:
    """Show the JSON Schema of the JSON output."""
    from byoi_tools.reports.plain import write_json
    from byoi_tools.reports.publishing_schemas import manifest_schema
    from byoi_tools.reports.schemas import facts_schema, report_schema

    schemas = {Document.FACTS: facts_schema, Document.REPORT: report_schema, Document.MANIFEST: manifest_schema}
    write_result(write_json(schemas[name]()))
