"""`deploy --plan`: exactly what a plan says, while all is as it was when the plan was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.confirm import confirm_erasure, require_confirmation
from byoi_tools.cli.follow import prove_and_show
from byoi_tools.cli.order import read_customizations, read_headers
from byoi_tools.cli.plan_file import read_plan_file
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, connect_storage, open_server_receipt, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.secret import Secret

if TYPE_CHECKING:
    from byoi_tools.cli.flag_groups import ProofFlags
    from byoi_tools.model.deployment.order import Customizations
    from byoi_tools.model.deployment.plan import Plan
    from byoi_tools.pipeline.carrying_out import Errand
    from byoi_tools.pipeline.proving import ProofWish


def deploy_plan(
    path: Path,
    servers: list[str] | None,
    url: str | None,
    http_header: list[str] | None,
    proof: ProofFlags,
    receipt: Path | None,
    confirm: str | None,
    *,
    is_again: bool,
) -> None:
    """Go on with what an earlier run of the plan began, or compare, ask and start it; then watch and prove it.

    A plan that was carried out is told to be, and nothing is sent.
    """
    from byoi_tools.pipeline.carrying_out import require_unchanged
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import resume, start, watch
    from byoi_tools.pipeline.proving import note_host_keys
    from byoi_tools.reports.plan_v1 import identify_plan

    plan = read_plan_file(path)
    name = plan.server.name
    if servers and servers != [name]:
        raise UsageError(f"the plan is for {name}, not for {', '.join(servers)}", remedy="Leave out --server.")
    require_confirmation(name, confirm)
    key = Path(plan.order.ssh_key.path) if plan.order.ssh_key else None
    wish = choose_proof(proof, key)
    errand = _read_errand(plan, url, http_header, wish)
    api, clock, progress = connect_api(), system_clock(), Progress()
    with open_server_receipt(api, name, receipt) as opened:
        deployments = Deployments(opened, name, clock, identify_plan(plan))
        if deployments.carried_out is not None:
            write_result(
                f"this plan is carried out: {name} was installed at {deployments.carried_out}; nothing is sent\n"
            )
            return
        if is_again:
            deployments.set_aside()
        task = resume(api, errand.reinstallation(Secret("")), deployments, clock, progress)
        if task is None:
            storage = connect_storage(errand.place)
            reinstallation, found = require_unchanged(errand, api, storage, clock, progress)
            confirm_erasure(errand.deed(found), confirm)
            before = note_host_keys(api, name, wish, progress)
            task = start(api, reinstallation, deployments, clock, progress, before)
        result = watch(api, name, task, deployments, clock, progress)
        prove_and_show(api, result, errand.customizations, wish, deployments, clock, progress)


def _read_errand(plan: Plan, url: str | None, http_header: list[str] | None, wish: ProofWish | None) -> Errand:
    """Read again what the plan only names; raises `UsageError` for what is missing, and refuses what has changed."""
    from byoi_tools.deployment.changes import payload_changes, refusal_of
    from byoi_tools.pipeline.carrying_out import Errand, place_of
    from byoi_tools.pipeline.proving import with_marker

    headers, wanted = read_headers(http_header), plan.order.http_header_names
    if tuple(name for name, _ in headers) != wanted:
        raise UsageError(
            "the HTTP headers are not those of the plan",
            details=f"the plan names {', '.join(wanted) or 'none'}",
            remedy="Give each again with --http-header, in that order: their values are secrets, and not in the plan."
            if wanted
            else "Leave out --http-header.",
        )
    customizations = _read_files(plan)
    changes = payload_changes(plan.order, customizations)
    if changes:
        raise refusal_of(plan.server.name, changes)
    marked = with_marker(customizations, wish)
    if marked.has_config_drive and not customizations.has_config_drive:
        raise UsageError(
            "the proof by a login would add a config drive, and the plan has none",
            remedy="Give --prove port, or make a plan with --ssh-key.",
        )
    return Errand(plan, marked, headers, place_of(plan, url, headers))


def _read_files(plan: Plan) -> Customizations:
    order = plan.order
    key = Path(order.ssh_key.path) if order.ssh_key else None
    user_data = Path(order.user_data.path) if order.user_data else None
    read = read_customizations(order.hostname, key, user_data, None)
    return replace(read, metadata=tuple(order.metadata.items()))
