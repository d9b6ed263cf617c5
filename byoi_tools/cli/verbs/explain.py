"""The verb `explain`."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.errors import UsageError

if TYPE_CHECKING:
    from byoi_tools.checks.check import Check
    from byoi_tools.reports.markdown import Page


class PageFormat(Enum):
    """What manual pages are written as."""

    TEXT = "text"
    MARKDOWN = "markdown"


Name = Annotated[str | None, typer.Argument(help="A check's id (esp.fallback) or a family (esp).", show_default=False)]
Format = Annotated[
    PageFormat,
    typer.Option("--format", help="Write for a terminal, or whole pages as markdown.", envvar="BYOI_EXPLAIN_FORMAT"),
]


def explain(name: Name = None, page_format: Format = PageFormat.TEXT) -> None:
    """Show the manual page of a check.

    Without a name it lists all checks, with a family's name those of the family.
    """
    from byoi_tools.checks.catalogue import CHECKS
    from byoi_tools.reports.manual import render_catalogue, render_page
    from byoi_tools.reports.markdown import render_markdown

    chosen = [check for check in CHECKS if name in (None, check.family, check.id)]
    if not chosen:
        raise UsageError(
            f"there is no check or family {name!r}", remedy="`byoi-tools explain` lists the families and their checks."
        )
    terminal = terminal_of(sys.stdout)
    if page_format is PageFormat.MARKDOWN:
        write_result(render_markdown(_page(check) for check in chosen))
    elif name == chosen[0].id:
        found = chosen[0]
        write_result(render_page(found.id, found.title, found.severity, found.manual, found.remedy, terminal))
    else:
        write_result(render_catalogue([(check.id, check.severity, check.title) for check in chosen], terminal))


def _page(check: Check) -> Page:
    from byoi_tools.reports.markdown import Page

    boot = f"{check.boot.value} boot only" if check.boot else ""
    product = f"{check.product.template} only" if check.product else ""
    applies_to = ", ".join(part for part in (boot, product) if part)
    return Page(check.id, check.title, check.severity, applies_to, check.manual, check.remedy)
