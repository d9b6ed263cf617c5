"""The verbs, in the order in which an image meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from byoi_tools import __version__
from byoi_tools.cli.verbs import (
    cancel,
    check,
    checksum,
    console,
    convert,
    delete,
    deploy,
    explain,
    inspect,
    login,
    match,
    objects,
    plan,
    publish,
    publish_and_deploy,
    rehearse,
    rescue,
    schema,
    simulator,
    status,
)

app = typer.Typer(
    help="Takes an operating system image from a build to a running bare-metal server.",
    epilog="Exit codes: 0 good; 1 bad verdict; 2 usage; 3 image; 4 tool; 5 storage; 6 deployment refused or failed; "
    "7 outcome unknown; 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"byoi-tools {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


app.command("inspect")(inspect.inspect)
app.command("check")(check.check)
app.command("convert")(convert.convert)
app.command("checksum")(checksum.checksum)
app.command("rehearse")(rehearse.rehearse)
app.command("login")(login.login)
app.command("match")(match.match)
app.command("publish")(publish.publish)
app.command("plan")(plan.plan)
app.command("deploy")(deploy.deploy)
app.command("publish-and-deploy")(publish_and_deploy.publish_and_deploy)
app.add_typer(objects.app, name="objects")
app.command("status")(status.status)
app.command("cancel")(cancel.cancel)
app.command("delete")(delete.delete)
app.command("rescue")(rescue.rescue)
app.command("console")(console.console)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)
app.command("simulator")(simulator.simulator)
