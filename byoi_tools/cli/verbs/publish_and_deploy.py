"""The verb `publish-and-deploy`: the whole line."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_erasure, require_confirmation
from byoi_tools.cli.flag_groups import LineFlags, PaceFlags, ProofFlags
from byoi_tools.cli.fleet import FleetFlags, only_server, read_members
from byoi_tools.cli.fleet_publishing import publish_to_fleet
from byoi_tools.cli.follow import conclude_after_output
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.verdicts import or_shown
from byoi_tools.cli.wiring import connect_api, connect_storage, open_receipt, open_server_receipt, system_clock
from byoi_tools.model.deployment.server import InstallResult
from byoi_tools.model.finding import Report
from byoi_tools.model.proof import Proof
from byoi_tools.model.publishing.published import PublishedImage


@with_groups
def publish_and_deploy(
    image: options.Image,
    to: options.Destination,
    server: options.ServerNames = None,
    servers: options.ServersFile = None,
    *,
    line: LineFlags,
    proof: ProofFlags,
    again: options.Again = False,
    pace: PaceFlags,
    confirm: options.Confirm = None,
) -> int:
    """Check, publish, ERASE servers, install, prove.

    Nothing is uploaded before the servers were looked at, the image checked and the erasure confirmed. The
    credentials are boto3's own (AWS_*) and ovh's own (OVH_*, ovh.conf).
    """
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.job import Outside
    from byoi_tools.pipeline.proving import refuse_unproven, with_marker
    from byoi_tools.pipeline.stages import run_line
    from byoi_tools.reports.line import render_line
    from byoi_tools.reports.proof import render_proof

    only = only_server(server, servers)
    if only is not None:
        require_confirmation(only, confirm)
    drive, receipt, loader = line.drive, line.receipt, line.judging.efi_bootloader_path
    wish = None if only is None else choose_proof(proof, drive.ssh_key)
    wishes = with_marker(drive.customizations(), wish)
    job = line.job(image, to, line.request.order(only or "", line.product(), loader, wishes), wish)
    if only is None:
        members = read_members(server, servers, FleetFlags(drive, line.judging.boot, loader, line.request.disk_group))
        return publish_to_fleet(job, members, proof, servers, receipt, pace.pace(), confirm, is_again=again)
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
