"""The verb `simulator`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byoi_tools.cli.terminal import write_note, write_result
from byoi_tools.errors import UsageError

if TYPE_CHECKING:
    from byoi_tools.model.ssh_address import SshAddress
    from byoi_tools.simulator.credentials import OAuthClient
    from byoi_tools.simulator.signature import Credentials

Listen = Annotated[
    str, typer.Option("--listen", help="Address and port; port 0 takes a free one.", envvar="BYOI_LISTEN")
]
Directory = Annotated[
    Path,
    typer.Option("--directory", help="Where the servers' disks and states lie.", envvar="BYOI_DIRECTORY"),
]
Servers = Annotated[
    Path | None,
    typer.Option(
        "--servers",
        help="A TOML file of servers; when not given: ns1.simulated (UEFI), ns2.simulated (legacy), and "
        "ns3.simulated, which has the API of the 2020 guides too.",
        envvar="BYOI_SERVERS",
    ),
]
Pace = Annotated[
    float, typer.Option("--pace", help="Seconds that each installation step takes at least.", envvar="BYOI_PACE", min=0)
]
FaultsWanted = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help="A fault that all servers show, as reinstall_answer=dropped; may be given several times.",
        envvar="BYOI_FAULT",
        metavar="NAME=VALUE",
    ),
]
Drift = Annotated[
    float,
    typer.Option("--clock-drift", help="Seconds by which the API's clock is wrong.", envvar="BYOI_CLOCK_DRIFT"),
]
Boot = Annotated[
    bool,
    typer.Option(
        "--boot",
        help="Servers run what was installed on them, in QEMU: a gigabyte of memory and two processors each.",
        envvar="BYOI_SIMULATOR_BOOT",
    ),
]


OAuth2 = Annotated[
    bool,
    typer.Option(
        "--oauth2", help="Print the variables of an OAuth2 client in place of an application's.", envvar="BYOI_OAUTH2"
    ),
]


def simulator(
    listen: Listen = "127.0.0.1:8080",
    directory: Directory = Path("simulated-servers"),
    servers: Servers = None,
    pace: Pace = 0.0,
    fault: FaultsWanted = None,
    clock_drift: Drift = 0.0,
    boot: Boot = False,
    oauth2: OAuth2 = False,
) -> None:
    """Run a pretend provider.

    Its servers really download, verify and write images. Prints the variables that point `ovh` to it, and
    runs until Ctrl-C.
    """
    from byoi_tools.simulator.faults import parse_faults
    from byoi_tools.simulator.servers import default_servers, load_servers, old_server
    from byoi_tools.simulator.service import Simulator

    chosen = load_servers(servers) if servers else (*default_servers(), old_server())
    if fault:
        chosen = tuple(replace(server, faults=parse_faults(fault)) for server in chosen)
    pretended = Simulator(
        chosen,
        directory=directory,
        listen=_split_address(listen),
        pace_seconds=pace,
        clock_drift_seconds=clock_drift,
        log=sys.stderr,
        boots=boot,
    )
    with pretended:
        write_result(_exports(pretended.url, pretended.oauth_client if oauth2 else pretended.credentials))
        sys.stdout.flush()
        names = (_describe(server.name, pretended.ssh_address(server.name)) for server in chosen)
        write_note(f"servers: {', '.join(names)}; disks in {directory}; Ctrl-C stops")
        try:
            pretended.wait_until_stopped()
        except KeyboardInterrupt:
            write_note("stopped")


def _describe(name: str, ssh: SshAddress | None) -> str:
    return f"{name} (SSH at {ssh})" if ssh else name


def _split_address(listen: str) -> tuple[str, int]:
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {listen} is no address and port", remedy="Write for instance 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def _exports(url: str, credentials: Credentials | OAuthClient) -> str:
    """The environment that points the real client here, for `eval`."""
    from byoi_tools.simulator.signature import Credentials

    variables = {"OVH_ENDPOINT": url}
    if isinstance(credentials, Credentials):
        variables["OVH_APPLICATION_KEY"] = credentials.application_key
        variables["OVH_APPLICATION_SECRET"] = credentials.application_secret
        variables["OVH_CONSUMER_KEY"] = credentials.consumer_key
    else:
        variables["OVH_CLIENT_ID"] = credentials.client_id
        variables["OVH_CLIENT_SECRET"] = credentials.client_secret
    return "".join(f"export {name}={value}\n" for name, value in variables.items())
