"""The verbs, in the order in which an image meets them; what a run does not need of them is not imported."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from byoi_tools import __version__

VERBS = (
    "inspect",
    "check",
    "convert",
    "checksum",
    "rehearse",
    "login",
    "match",
    "publish",
    "plan",
    "deploy",
    "publish-and-deploy",
    "objects",
    "status",
    "cancel",
    "delete",
    "rescue",
    "console",
    "explain",
    "schema",
    "simulator",
)
"""Each is the function of its name in the module of its name, or the `app` there, where it has verbs of its own."""


def app_for(arguments: list[str]) -> typer.Typer:
    """Return the application as far as a command line needs it: with the verb that it begins with, else with all."""
    return app_of(arguments[:1] if arguments[:1] and arguments[0] in VERBS else VERBS)


def app_of(verbs: Iterable[str]) -> typer.Typer:
    """Return the application with these verbs."""
    app = typer.Typer(
        help="Takes an operating system image from a build to a running bare-metal server.",
        epilog="Exit codes: 0 good; 1 bad verdict; 2 usage; 3 image; 4 tool; 5 storage; "
        "6 deployment refused or failed; 7 outcome unknown; 130 interrupted.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_options,
    )
    for verb in verbs:
        name = verb.replace("-", "_")
        module = import_module(f"byoi_tools.cli.verbs.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(getattr(module, name))
    return app


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"byoi-tools {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass
