"""The verb `login`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byoi_tools.cli.terminal import write_note, write_result
from byoi_tools.cli.wiring import connect_api, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.order import Purpose

if TYPE_CHECKING:
    from byoi_tools.model.deployment.planned import AccessRule

Servers = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        help="A server that the key is for; may be given several times. All of them otherwise.",
        envvar="BYOI_LOGIN_SERVER",
    ),
]
Purposes = Annotated[
    list[Purpose] | None,
    typer.Option(
        "--for",
        help="What the key is for; may be given several times. deploy when not given: that is plan, match and status, "
        "too, and publish-and-deploy. bring-your-own-image is deploy by the API of the 2020 guides.",
        envvar="BYOI_LOGIN_FOR",
    ),
]
ReadOnly = Annotated[
    bool,
    typer.Option("--read-only", help="With the rights to read alone: for match and status.", envvar="BYOI_READ_ONLY"),
]
WriteTo = Annotated[
    Path | None,
    typer.Option("--write", help="An ovh.conf that gets the key; it is printed otherwise.", envvar="BYOI_WRITE"),
]
Timeout = Annotated[
    int,
    typer.Option("--timeout", help="How many seconds to wait for you.", envvar="BYOI_LOGIN_TIMEOUT", min=1, max=86400),
]


def login(
    server: Servers = None,
    purposes: Purposes = None,
    read_only: ReadOnly = False,
    write: WriteTo = None,
    timeout: Timeout = 600,
) -> None:
    """Make a consumer key with the rights of a deployment.

    Or, with --for, of other verbs: it gets the rights that these need, and no more.

    Needs an application key and its secret, of the endpoint's /createApp page, as ovh reads them. Prints the rights
    and a URL; once you have agreed there, the key is written or printed, once.
    """
    from byoi_tools.deployment.consumer_key import request_key, rules_for, wait_for_validation
    from byoi_tools.tools.ovh.configuration import require_writable, store_consumer_key

    rules = rules_for(tuple(server or ()), tuple(purposes or (Purpose.DEPLOY,)), is_read_only=read_only)
    if write is not None:
        require_writable(write)
    api = connect_api()
    if not api.has_application_key:
        raise UsageError(
            "an OAuth2 client has no consumer key: its rights are IAM policies",
            remedy="Grant it the actions that README lists under Settings; or configure an application key and secret.",
        )
    requested = request_key(api, rules)
    _tell(rules, requested.validation_url)
    wait_for_validation(connect_api(requested.key), system_clock(), timeout)
    if write is None:
        write_note("The key is validated. Put it into OVH_CONSUMER_KEY, or into ovh.conf as consumer_key:")
        write_result(f"{requested.key.reveal()}\n")
        return
    store_consumer_key(write, api.endpoint, requested.key)
    write_note(f"The key is validated, and in {write}, section [{api.endpoint}].")
    if "OVH_CONSUMER_KEY" in os.environ:
        write_note("OVH_CONSUMER_KEY is set, and wins over the file: unset it.")


def _tell(rules: tuple[AccessRule, ...], url: str) -> None:
    write_note("The key will have these rights:")
    for rule in rules:
        write_note(f"  {rule}")
    write_note("Log in and agree here:")
    write_note(f"  {url}")
    write_note("Waiting for it; Ctrl-C stops, and leaves a key that can do nothing.")
    sys.stderr.flush()
