"""The verb `explain`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.errors import UsageError

Name = Annotated[str | None, typer.Argument(help="A check's id (esp.fallback) or a family (esp).", show_default=False)]


def explain(name: Name = None) -> None:
    """Show the manual page of a check.

    Without a name it lists all checks, with a family's name those of the family.
    """
    from byoi_tools.checks.catalogue import CHECKS, FAMILIES, find_check
    from byoi_tools.reports.manual import render_catalogue, render_page

    terminal = terminal_of(sys.stdout)
    found = find_check(name) if name else None
    if found is not None:
        write_result(render_page(found.id, found.title, found.severity, found.manual, found.remedy, terminal))
        return
    if name is not None and name not in FAMILIES:
        raise UsageError(
            f"there is no check or family {name!r}", remedy="`byoi-tools explain` lists the families and their checks."
        )
    listed = [(check.id, check.severity, check.title) for check in CHECKS if name in (None, check.family)]
    write_result(render_catalogue(listed, terminal))
