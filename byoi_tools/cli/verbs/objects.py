"""The verbs `objects list`, `objects delete` and `objects gc`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_deletion, require_deletion_confirmable
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_note, write_result
from byoi_tools.cli.wiring import connect_storage, system_clock

if TYPE_CHECKING:
    from byoi_tools.model.observer import Observer
    from byoi_tools.publishing.holdings import Holdings

app = typer.Typer(
    help="Show and remove what publish has stored.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_WHERE = "Where they are: s3://BUCKET/PREFIX, ovh://REGION/BUCKET/PREFIX or file:///DIRECTORY."
Store = Annotated[str, typer.Option("--to", help=_WHERE, envvar="BYOI_TO", show_default=False)]
Names = Annotated[list[str], typer.Argument(help="Images: names under the prefix, or whole keys.")]
Yes = Annotated[bool, typer.Option("--yes", help="Delete without asking.", envvar="BYOI_YES")]
OlderThan = Annotated[
    str, typer.Option("--older-than", help="How long it was not used: 12h, 7d, 30d.", envvar="BYOI_OLDER_THAN")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would go, remove nothing.", envvar="BYOI_DRY_RUN")]


@app.command("list")
def list_objects(to: Store, output_format: options.Format = options.OutputFormat.TEXT) -> None:
    """Show what byoi-tools has stored.

    Images with their sidecars, sidecars whose image is gone, and incomplete uploads, under the prefix and below.
    """
    from byoi_tools.reports.objects import render_objects, render_objects_json

    holdings, now = _connect(to, Progress()), system_clock().now()
    entries = holdings.entries()
    if output_format is options.OutputFormat.JSON:
        _write(render_objects_json(entries, to, now))
    elif not _write(render_objects(entries, holdings.prefix, now)):
        write_note(f"nothing of byoi-tools under {to}")


@app.command("delete")
def delete_objects(
    names: Names, to: Store, yes: Yes = False, output_format: options.Format = options.OutputFormat.TEXT
) -> None:
    """Delete images, their sidecars and uploads.

    Refuses what byoi-tools did not write. Asks before, unless --yes is given.
    """
    from byoi_tools.reports.objects import render_objects, render_removals, render_removals_json

    require_deletion_confirmable(is_confirmed=yes)
    holdings, now = _connect(to, Progress()), system_clock().now()
    entries = holdings.named(names)
    if entries and not yes:
        confirm_deletion("".join(render_objects(entries, holdings.prefix, now)))
    removals = (holdings.remove(entry) for entry in entries)
    if output_format is options.OutputFormat.JSON:
        _write(render_removals_json(removals, to, now))
    else:
        _write(render_removals(removals, holdings.prefix, now))


@app.command("gc")
def collect(
    to: Store,
    older_than: OlderThan = "7d",
    dry_run: DryRun = False,
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Remove what was not used for a time.

    Images that were not published again for so long, sidecars whose image is gone, and uploads that nobody went on
    with, under the prefix and below. What byoi-tools did not write is never touched. Does not ask: see --dry-run.
    """
    from byoi_tools.publishing.destination import LONGEST_EXPIRY, parse_duration
    from byoi_tools.publishing.removal import collect_garbage
    from byoi_tools.reports.objects import render_removals, render_removals_json

    age, progress = parse_duration(older_than), Progress()
    if age < LONGEST_EXPIRY:
        progress.warned("URLs of younger objects may still be in use: they work for up to 7 days")
    holdings, now = _connect(to, progress), system_clock().now()
    removals = collect_garbage(holdings.remove, holdings.entries(), age, now, is_dry_run=dry_run)
    if output_format is options.OutputFormat.JSON:
        _write(render_removals_json(removals, to, now))
    elif not _write(render_removals(removals, holdings.prefix, now)):
        write_note(f"nothing of byoi-tools under {to}")


def _connect(to: str, observer: Observer) -> Holdings:
    """What is there, once it is certain that the store answers and knows the keys and the bucket."""
    from byoi_tools.publishing.destination import parse_destination
    from byoi_tools.publishing.holdings import StoredObjects
    from byoi_tools.publishing.placed_files import PlacedFiles
    from byoi_tools.publishing.public_directory import parse_directory

    if to.lower().startswith("file:"):
        return PlacedFiles(parse_directory(to), observer)
    destination = parse_destination(to)
    storage = connect_storage(destination)
    storage.check_access(destination.bucket)
    return StoredObjects(storage, destination, observer)


def _write(pieces: Iterable[str]) -> bool:
    """Write the pieces as they come; tell whether there were any."""
    is_any = False
    for piece in pieces:
        write_result(piece)
        is_any = True
    return is_any
