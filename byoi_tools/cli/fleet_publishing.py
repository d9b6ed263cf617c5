"""The verb `publish-and-deploy` where there are many servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.confirm import confirm_fleet, require_fleet_confirmation
from byoi_tools.cli.flag_groups import ProofFlags
from byoi_tools.cli.fleet import choose_proofs, open_fleet, order_wishes, show_endings
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.verdicts import or_shown
from byoi_tools.cli.wiring import connect_storage, open_receipt, system_clock
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.fleet import Member, Pace

if TYPE_CHECKING:
    from byoi_tools.pipeline.job import Job
    from byoi_tools.pipeline.proving import ProofWish


def publish_to_fleet(
    job: Job,
    members: Sequence[Member],
    proof: ProofFlags,
    servers: Path | None,
    receipt: Path | None,
    pace: Pace,
    confirm: str | None,
    *,
    is_again: bool,
) -> int:
    """Run the line for many servers, each with its own wishes in place of the job's; returns the exit code."""
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.fleet.publishing import publish_and_deploy_fleet
    from byoi_tools.pipeline.job import Outside
    from byoi_tools.reports.line import render_published

    require_fleet_confirmation(len(members), confirm)
    proofs = choose_proofs(members, proof)
    jobs = [_job_of(job, member, proofs.get(member.name)) for member in members]
    with open_receipt(job.image, None) as opened, open_fleet(members, proofs, servers, receipt) as fleet:
        clock = system_clock()
        outside = Outside(
            api=fleet.api,
            storage=connect_storage(job.destination),
            clock=clock,
            receipt=opened,
            deployments=Deployments(opened, "", clock),  # each server's own takes its place
            observer=Progress(),
            confirm=lambda deed: None,  # all are confirmed at once
        )
        made = or_shown(
            lambda: publish_and_deploy_fleet(
                jobs, outside, fleet, pace, lambda work: confirm_fleet(work, confirm), is_again=is_again
            )
        )
    if made is None:
        return 1
    if made.report and made.published:
        write_result(render_published(made.report, made.published))
    show_endings(made.endings)
    return 0


def _job_of(job: Job, member: Member, wish: ProofWish | None) -> Job:
    wishes = order_wishes(member, wish)
    require_possible(job.api, job.product or Product.BYOI, wishes, job.description)
    return replace(
        job,
        server=member.name,
        boot=member.boot,
        loader_path=loader_for(job.api, member.loader_path),
        customizations=wishes,
        disk_group_id=member.disk_group_id,
        proof=wish,
    )
