"""The verb `rehearse`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byoi_tools.cli import options
from byoi_tools.cli.flag_groups import ConfigDriveFlags
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.order import private_half
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.rules import choose_rules
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus, NetworkCard, Until

if TYPE_CHECKING:
    from byoi_tools.model.rehearsal import RehearsalOrder

_LEAST_MEMORY = 256 << 20

Boot = Annotated[BootMode, typer.Option("--boot", help="How the server boots.", envvar="BYOI_BOOT", show_default=False)]
Disk = Annotated[DiskBus, typer.Option("--disk", help="What the disk hangs on.", envvar="BYOI_DISK")]
Network = Annotated[
    NetworkCard, typer.Option("--network", help="The network card; igb needs QEMU 8.", envvar="BYOI_NETWORK")
]
SecureBoot = Annotated[
    bool,
    typer.Option(
        "--secure-boot",
        help="Switch Secure Boot on, with Microsoft's keys (UEFI alone).",
        envvar="BYOI_SECURE_BOOT",
    ),
]
Memory = Annotated[str, typer.Option("--memory", help="The machine's memory: 2G, 4096M.", envvar="BYOI_MEMORY")]
Goal = Annotated[Until, typer.Option("--until", help="What must be reached.", envvar="BYOI_UNTIL")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="How long it may take, from power-on: 10m, 1h.", envvar="BYOI_TIMEOUT")
]
Keep = Annotated[
    Path | None,
    typer.Option(
        "--keep", help="A directory for the console (console.txt) and the screen (screen.png).", envvar="BYOI_KEEP"
    ),
]


@with_groups
def rehearse(
    image: options.Image,
    boot: Boot,
    *,
    efi_bootloader_path: options.LoaderPath = None,
    secure_boot: SecureBoot = False,
    disk: Disk = DiskBus.NVME,
    network: Network = NetworkCard.E1000E,
    memory: Memory = "2G",
    drive: ConfigDriveFlags,
    until: Goal = Until.SSH,
    timeout: Timeout = "10m",
    output_format: options.Format = options.OutputFormat.TEXT,
    keep: Keep = None,
    work_dir: options.WorkDirectory = None,
) -> int:
    """Boot an image in a machine like the server.

    A copy is written as the provider writes it, with its config drive, and started by QEMU. Exit 1 when it does not
    come as far as --until. Without --ssh-key a key is made for the run; with one, the login needs its private half
    beside it.
    """
    from byoi_tools.model.rehearsal import RehearsalOrder
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.rehearsing import rehearse_image
    from byoi_tools.publishing.destination import parse_duration
    from byoi_tools.reports.rehearsal import render_rehearsal, render_rehearsal_json

    order = RehearsalOrder(
        boot=boot,
        loader_path=efi_bootloader_path or "",
        disk=disk,
        memory_bytes=parse_size(memory),
        customizations=drive.customizations(),
        until=until,
        timeout_seconds=parse_duration(timeout).total_seconds(),
        private_key=private_half(drive.ssh_key),
        keep=keep,
        network=network,
        has_secure_boot=secure_boot,
    )
    _refuse_impossible(order)
    rules = choose_rules(boot, None, options.FailOn.ERROR)
    progress = Progress()
    done = rehearse_image(image, order, rules, work_dir or image.absolute().parent, progress)
    if output_format is options.OutputFormat.JSON:
        write_result(render_rehearsal_json(done.rehearsal, done.explanations))
    else:
        write_result(render_rehearsal(done.rehearsal, done.explanations, terminal_of(sys.stdout)))
    return 0 if done.rehearsal.has_succeeded else 1


def _refuse_impossible(order: RehearsalOrder) -> None:
    if order.has_secure_boot and order.boot is not BootMode.UEFI:
        raise UsageError("Secure Boot belongs to UEFI", remedy="Rehearse with --boot uefi, or without --secure-boot.")
    if order.boot is BootMode.UEFI and order.disk is DiskBus.MEGARAID:
        raise UsageError(
            "QEMU's UEFI firmware has no driver for a MegaRAID controller",
            remedy="Rehearse it with --boot legacy, or UEFI with another --disk; `check` judges the drivers.",
        )
    if order.memory_bytes < _LEAST_MEMORY:
        raise UsageError("--memory is too small for a server", remedy="Write at least 256M.")
