"""The verb `plan`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from byoi_tools.cli import options
from byoi_tools.cli.flag_groups import LineFlags
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.order import read_headers
from byoi_tools.cli.plan_file import conclude_plan, require_new_plan
from byoi_tools.cli.plan_url import plan_url, read_url_image, refuse_beside_url
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.verdicts import or_shown
from byoi_tools.cli.wiring import connect_api, connect_storage, open_receipt, open_server_receipt, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.image import Compression

Output = Annotated[
    Path, typer.Option("--output", "-o", help="The plan; it must not exist.", envvar="BYOI_OUTPUT", show_default=False)
]
ValidFor = Annotated[
    str, typer.Option("--valid-for", help="How long the plan may be carried out: 8h, 7d.", envvar="BYOI_VALID_FOR")
]


@with_groups
def plan(
    server: options.ServerName,
    output: Output,
    image: options.OptionalImage = None,
    to: options.PlanDestination = None,
    url: options.PlanUrl = None,
    checksum: options.Checksum = None,
    *,
    line: LineFlags,
    valid_for: ValidFor = "7d",
) -> int:
    """Write down what a deployment would do.

    Nothing is erased, and nothing is asked. The server is looked at, the image checked and PUBLISHED, so that the
    plan can name the very object; one that is served already, at --url with its --checksum, is checked where it is.
    `deploy --plan FILE` does exactly what the plan says, and refuses when the server, the object or a file that it
    names has changed since. No secret is in it.
    """
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.job import Outside
    from byoi_tools.pipeline.planning import Sources, make_plan
    from byoi_tools.publishing.destination import parse_duration

    require_new_plan(output)
    life, drive, judging = parse_duration(valid_for), line.drive, line.judging
    order = line.request.order(server, line.product(), judging.efi_bootloader_path, drive.customizations())
    if url is not None:
        is_compressed = line.making.compress is not Compression.NONE
        refuse_beside_url((image, to, line.public_url, line.making.digest, line.rehearse, is_compressed))
        headers = read_headers(line.request.http_header)
        served = read_url_image(url, checksum, line.making.image_type, headers, line.verify)
        return plan_url(served, order, judging, Sources(drive.ssh_key, drive.user_data), output, life)
    if image is None or to is None or checksum is not None:
        raise UsageError(
            "the image is missing"
            if image is None
            else "--to is missing"
            if to is None
            else "--checksum without --url",
            remedy="Give IMAGE and --to, or --url and --checksum for an image that is served already.",
        )
    job = line.job(image, to, order)
    provider, clock = connect_api(), system_clock()
    with ExitStack() as stack:
        opened = stack.enter_context(open_receipt(image, line.receipt))
        of_server = opened if line.receipt else stack.enter_context(open_server_receipt(provider, server, None))
        deployments = Deployments(of_server, server, clock)
        storage, progress = connect_storage(job.destination), Progress()
        outside = Outside(provider, storage, clock, opened, deployments, progress, confirm=lambda deed: None)
        sources = Sources(drive.ssh_key, drive.user_data, to, line.public_url)
        made = or_shown(lambda: make_plan(job, sources, outside, life))
    return conclude_plan(made, output)
