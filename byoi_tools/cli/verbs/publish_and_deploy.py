"""The verb `publish-and-deploy`: the whole line."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_erasure, require_confirmation
from byoi_tools.cli.fleet import FleetFlags, ProofFlags, only_server, read_members
from byoi_tools.cli.fleet_publishing import publish_to_fleet
from byoi_tools.cli.follow import conclude_after_output
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.order import private_half, read_customizations, read_headers, read_partitioning
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.rules import choose_product, threshold
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.verbs.rehearse import Rehearse
from byoi_tools.cli.verdicts import REHEARSAL_SECONDS, or_shown
from byoi_tools.cli.wiring import connect_api, connect_storage, open_receipt, open_server_receipt, system_clock
from byoi_tools.model.deployment import InstallApi
from byoi_tools.model.finding import Report
from byoi_tools.model.fleet import Pace
from byoi_tools.model.image import Compression, Engine
from byoi_tools.model.proof import Proof
from byoi_tools.model.published import PublishedImage, Verification
from byoi_tools.model.server import InstallResult


def publish_and_deploy(
    image: options.Image,
    to: options.Destination,
    server: options.ServerNames = None,
    servers: options.ServersFile = None,
    public_url: options.PublicUrl = None,
    boot: options.ServerBoot = None,
    efi_bootloader_path: options.LoaderPath = None,
    profile: options.Profile = None,
    fail_on: options.Fail = options.FailOn.ERROR,
    waivers: options.Waivers = None,
    image_type: options.ServedType = None,
    compress: options.Compress = Compression.NONE,
    engine: options.Conversion = Engine.AUTO,
    no_verify: options.NoVerify = False,
    expires: options.Expires = "24h",
    verify: options.UrlVerification = Verification.RANGES,
    digest: options.MoreDigests = None,
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
    prove: options.Proving = None,
    ssh_address: options.SshServerAddress = None,
    ssh_user: options.SshUser = None,
    ssh_private_key: options.PrivateKey = None,
    prove_timeout: options.ProveTimeout = options.PROVE_TIMEOUT,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
    resume: options.Resume = True,
    receipt: options.ReceiptFile = None,
    again: options.Again = False,
    rehearse: Rehearse = False,
    canary: options.Canary = 0,
    parallel: options.Parallel = 5,
    max_failures: options.MaxFailures = 1,
    confirm: options.Confirm = None,
) -> int:
    """Check, publish, ERASE servers, install, prove.

    Nothing is uploaded before the servers were looked at, the image checked and the erasure confirmed. The
    credentials are boto3's own (AWS_*) and ovh's own (OVH_*, ovh.conf).
    """
    from byoi_tools.model.digest import with_usual
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.job import Job, Outside, RehearsalWish
    from byoi_tools.pipeline.making import Making
    from byoi_tools.pipeline.proving import refuse_unproven, with_marker
    from byoi_tools.pipeline.stages import run_line
    from byoi_tools.publishing.destination import parse_expiry
    from byoi_tools.publishing.public_directory import parse_any_destination
    from byoi_tools.reports.line import render_line
    from byoi_tools.reports.proof import render_proof

    only = only_server(server, servers)
    if only is not None:
        require_confirmation(only, confirm)
    proof = ProofFlags(prove, ssh_address, ssh_user, prove_timeout, ssh_private_key)
    wish = None if only is None else choose_proof(prove, ssh_address, ssh_user, prove_timeout, ssh_private_key, ssh_key)
    customizations = with_marker(read_customizations(hostname, ssh_key, user_data, metadata), wish)
    product = choose_product(system, profile, is_rehearsed=rehearse)
    require_possible(api, product, customizations, description)
    job = Job(
        image=image,
        server=only or "",
        destination=parse_any_destination(to, public_url),
        expires=parse_expiry(expires),
        boot=boot,
        profile=profile,
        fail_on=threshold(fail_on),
        loader_path=loader_for(api, efi_bootloader_path),
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
        http_headers=read_headers(http_header),
        disk_group_id=disk_group,
        work_directory=work_dir or image.absolute().parent,
        waivers_file=waivers,
        verification=verify,
        rehearsal=RehearsalWish(REHEARSAL_SECONDS, private_half(ssh_key)) if rehearse else None,
        api=api,
        description=description,
        product=product,
        partitioning=read_partitioning(partitioning, product),
        proof=wish,
    )
    if only is None:
        flags = FleetFlags(hostname, ssh_key, user_data, tuple(metadata or ()), boot, efi_bootloader_path, disk_group)
        members = read_members(server, servers, flags)
        pace = Pace(canary, parallel, max_failures)
        return publish_to_fleet(job, members, proof, servers, receipt, pace, confirm, is_again=again)
    progress = Progress()
    provider, clock = connect_api(), system_clock()
    with ExitStack() as stack:
        opened = stack.enter_context(open_receipt(image, receipt))
        of_server = opened if receipt else stack.enter_context(open_server_receipt(provider, only, None))
        deployments = Deployments(of_server, only, clock)
        if again:
            deployments.set_aside()
        outside = Outside(
            api=provider,
            storage=connect_storage(job.destination),
            clock=clock,
            receipt=opened,
            deployments=deployments,
            observer=progress,
            confirm=lambda deed: confirm_erasure(deed, confirm),
        )
        products = or_shown(lambda: run_line(job, outside))
        if products is None:
            return 1
        result = products.get(InstallResult)
        shown = render_line(products.get(Report), products.get(PublishedImage), result)
        write_result(shown)
        if products.has(Proof):
            write_result(render_proof(products.get(Proof), terminal_of(sys.stdout)))
            refuse_unproven(only, products.get(Proof))
        conclude_after_output(result.task, deployments)
    return 0
