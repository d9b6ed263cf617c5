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


Name = Annotated[Document, typer.Argument(help="What inspect (facts) or check (report) prints.", show_default=False)]


def schema(name: Name) -> None:
    """Show the JSON Schema of the JSON output."""
    from byoi_tools.reports.plain import write_json
    from byoi_tools.reports.schemas import facts_schema, report_schema

    write_result(write_json(facts_schema() if name is Document.FACTS else report_schema()))
