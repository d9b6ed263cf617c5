"""The verb `plan`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from byoi_tools.cli import options
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.order import private_half, read_customizations, read_headers, read_partitioning
from byoi_tools.cli.plan_file import require_new_plan, write_plan
from byoi_tools.cli.plan_url import plan_url, read_url_image, refuse_beside_url
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.rules import choose_product, threshold
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.verbs.rehearse import Rehearse
from byoi_tools.cli.verdicts import REHEARSAL_SECONDS, or_shown
from byoi_tools.cli.wiring import connect_api, connect_storage, open_receipt, open_server_receipt, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.deployment import InstallApi, InstallOrder
from byoi_tools.model.image import Compression, Engine
from byoi_tools.model.published import Verification

Output = Annotated[
    Path, typer.Option("--output", "-o", help="The plan; it must not exist.", envvar="BYOI_OUTPUT", show_default=False)
]
ValidFor = Annotated[
    str, typer.Option("--valid-for", help="How long the plan may be carried out: 8h, 7d.", envvar="BYOI_VALID_FOR")
]


def plan(
    server: options.ServerName,
    output: Output,
    image: options.OptionalImage = None,
    to: options.PlanDestination = None,
    url: options.PlanUrl = None,
    checksum: options.Checksum = None,
    public_url: options.PublicUrl = None,
    boot: options.ServerBoot = None,
    efi_bootloader_path: options.LoaderPath = None,
    profile: options.Profile = None,
    fail_on: options.Fail = options.FailOn.ERROR,
    waivers: options.Waivers = None,
    image_type: options.ServedType = None,
    compress: options.Compress = Compression.NONE,
    digest: options.MoreDigests = None,
    engine: options.Conversion = Engine.AUTO,
    no_verify: options.NoVerify = False,
    expires: options.Expires = "24h",
    verify: options.UrlVerification = Verification.RANGES,
    hostname: options.Hostname = None,
    ssh_key: options.SshKey = None,
    user_data: options.UserData = None,
    metadata: options.Metadata = None,
    http_header: options.HttpHeaders = None,
    disk_group: options.DiskGroup = None,
    api: options.Api = InstallApi.REINSTALL,
    description: options.Description = None,
    system: options.System = None,
    partitioning: options.PartitioningFile = None,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
    resume: options.Resume = True,
    receipt: options.ReceiptFile = None,
    rehearse: Rehearse = False,
    valid_for: ValidFor = "7d",
) -> int:
    """Write down what a deployment would do.

    Nothing is erased, and nothing is asked. The server is looked at, the image checked and PUBLISHED, so that the
    plan can name the very object; one that is served already, at --url with its --checksum, is checked where it is.
    `deploy --plan FILE` does exactly what the plan says, and refuses when the server, the object or a file that it
    names has changed since. No secret is in it.
    """
    from byoi_tools.model.digest import with_usual
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.job import Job, Outside, RehearsalWish
    from byoi_tools.pipeline.making import Making
    from byoi_tools.pipeline.planning import Sources, make_plan
    from byoi_tools.publishing.destination import parse_duration, parse_expiry
    from byoi_tools.publishing.public_directory import parse_any_destination
    from byoi_tools.reports.deed import render_deed

    require_new_plan(output)
    life = parse_duration(valid_for)
    customizations = read_customizations(hostname, ssh_key, user_data, metadata)
    product = choose_product(system, profile, is_rehearsed=rehearse)
    require_possible(api, product, customizations, description)
    loader, headers = loader_for(api, efi_bootloader_path), read_headers(http_header)
    layout = read_partitioning(partitioning, product)
    if url is not None:
        refuse_beside_url((image, to, public_url, digest, rehearse, compress is not Compression.NONE))
        order = InstallOrder(server, product, loader, customizations, disk_group, api, description, layout)
        served, sources = read_url_image(url, checksum, image_type, headers, verify), Sources(ssh_key, user_data)
        return plan_url(served, order, boot, profile, fail_on, waivers, sources, output, life)
    if image is None or to is None or checksum is not None:
        raise UsageError(
            "the image is missing"
            if image is None
            else "--to is missing"
            if to is None
            else "--checksum without --url",
            remedy="Give IMAGE and --to, or --url and --checksum for an image that is served already.",
        )
    job = Job(
        image=image,
        server=server,
        destination=parse_any_destination(to, public_url),
        expires=parse_expiry(expires),
        boot=boot,
        profile=profile,
        fail_on=threshold(fail_on),
        loader_path=loader,
        making=Making(
            served_type=image_type,
            compression=compress,
            engine=engine,
            is_verified=not no_verify,
            resumes=resume,
            largest_bytes=parse_size(max_size),
            algorithms=with_usual(digest or ()),
        ),
        customizations=customizations,
        http_headers=headers,
        disk_group_id=disk_group,
        work_directory=work_dir or image.absolute().parent,
        waivers_file=waivers,
        verification=verify,
        rehearsal=RehearsalWish(REHEARSAL_SECONDS, private_half(ssh_key)) if rehearse else None,
        api=api,
        description=description,
        product=product,
        partitioning=layout,
    )
    provider, clock = connect_api(), system_clock()
    with ExitStack() as stack:
        opened = stack.enter_context(open_receipt(image, receipt))
        of_server = opened if receipt else stack.enter_context(open_server_receipt(provider, server, None))
        deployments = Deployments(of_server, server, clock)
        storage, progress = connect_storage(job.destination), Progress()
        outside = Outside(provider, storage, clock, opened, deployments, progress, confirm=lambda deed: None)
        made = or_shown(lambda: make_plan(job, Sources(ssh_key, user_data, to, public_url), outside, life))
    if made is None:
        return 1
    write_plan(output, made[0])
    write_result(render_deed(made[1], terminal_of(sys.stdout)))
    write_result(f"Nothing was erased. {output} is valid until {made[0].valid_until.isoformat(timespec='minutes')}.\n")
    return 0
