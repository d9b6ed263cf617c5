"""The verb `deploy`."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_erasure, confirm_fleet, require_confirmation, require_fleet_confirmation
from byoi_tools.cli.deploy_plan import deploy_plan
from byoi_tools.cli.flag_groups import ConfigDriveFlags, PaceFlags, ProofFlags, RequestFlags
from byoi_tools.cli.fleet import (
    FleetFlags,
    choose_proofs,
    only_server,
    open_fleet,
    order_for,
    read_members,
    show_endings,
)
from byoi_tools.cli.follow import follow_to_the_end, prove_and_show
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.old_api import require_possible
from byoi_tools.cli.order import parse_checksum, read_headers
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.wiring import connect_api, open_server_receipt, system_clock
from byoi_tools.errors import DeploymentRefused, UsageError
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.fleet import Member, Pace
from byoi_tools.model.deployment.order import Customizations, ImageSource, InstallApi, InstallOrder, Reinstallation
from byoi_tools.model.secret import Secret

if TYPE_CHECKING:
    from byoi_tools.pipeline.proving import HostKeys, ProofWish

_Given = TypeVar("_Given")


@with_groups
def deploy(
    server: options.ServerNames = None,
    servers: options.ServersFile = None,
    plan: options.PlanFile = None,
    url: options.Url = None,
    checksum: options.Checksum = None,
    image_type: options.UrlImageType = None,
    efi_bootloader_path: options.LoaderPath = None,
    *,
    drive: ConfigDriveFlags,
    request: RequestFlags,
    proof: ProofFlags,
    attach: options.Attach = False,
    receipt: options.ReceiptFile = None,
    again: options.Again = False,
    pace: PaceFlags,
    confirm: options.Confirm = None,
) -> None:
    """ERASE servers, install the image at a URL.

    Needed are --server, --url, --checksum and --image-type, or --plan, or --server and --attach. The credentials are
    ovh's own: OVH_* variables or ovh.conf. Waits until the new system is proven to run; run again after an
    interruption, it goes on with the same installation.
    """
    from byoi_tools.pipeline.proving import with_marker

    if plan is not None:
        told = (checksum, image_type, efi_bootloader_path, *astuple(drive), request.disk_group, request.description)
        is_new = request.api is InstallApi.REINSTALL and request.system in (None, Product.BYOI)
        _refuse_beside_plan((*told, request.partitioning), is_other=attach or servers is not None or not is_new)
        deploy_plan(plan, server, url, request.http_header, proof, receipt, confirm, is_again=again)
        return
    only = only_server(server, servers)
    wish = None if only is None or (attach and proof.prove is None) else choose_proof(proof, drive.ssh_key)
    customizations = with_marker(drive.customizations(), wish)
    if attach:
        _attach(only, receipt, customizations, wish)
        return
    source = ImageSource(
        Secret(_needed(url, "--url")),
        _needed(image_type, "--image-type").sent,
        parse_checksum(_needed(checksum, "--checksum")),
        read_headers(request.http_header),
    )
    product = request.system or Product.BYOI
    order = request.order(only or "", product, efi_bootloader_path, customizations, source.image_type)
    if only is None:
        members = read_members(server, servers, FleetFlags(drive, None, efi_bootloader_path, request.disk_group))
        require_fleet_confirmation(len(members), confirm)
        for member in members:
            require_possible(request.api, product, member.customizations, request.description, source.image_type)
        _install_fleet(members, order, source, proof, servers, receipt, pace.pace(), confirm, is_again=again)
        return
    require_confirmation(only, confirm)
    _install(Reinstallation(order, source), wish, receipt, confirm, is_again=again)


def _install_fleet(
    members: tuple[Member, ...],
    order: InstallOrder,
    source: ImageSource,
    proof: ProofFlags,
    servers: Path | None,
    receipt: Path | None,
    pace: Pace,
    confirm: str | None,
    *,
    is_again: bool,
) -> None:
    from byoi_tools.pipeline.fleet.line import deploy_fleet

    proofs = choose_proofs(members, proof)
    ordered = tuple(Reinstallation(order_for(member, order, proofs), source) for member in members)
    boots = {member.name: member.boot for member in members if member.boot}
    with open_fleet(members, proofs, servers, receipt) as outside:
        endings = deploy_fleet(
            outside, ordered, boots, pace, lambda work: confirm_fleet(work, confirm), is_again=is_again
        )
    show_endings(endings)


def _install(
    reinstallation: Reinstallation,
    wish: ProofWish | None,
    receipt: Path | None,
    confirm: str | None,
    *,
    is_again: bool,
) -> None:
    """Go on with an earlier run's installation, or look, ask and start one; then watch and prove it."""
    from byoi_tools.pipeline.deeds import deed_by_url
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import install
    from byoi_tools.pipeline.matching import refuse_unfit
    from byoi_tools.pipeline.proving import note_host_keys

    order = reinstallation.order
    api, clock, progress = connect_api(), system_clock(), Progress()
    with open_server_receipt(api, order.server, receipt) as opened:
        deployments = Deployments(opened, order.server, clock)
        if is_again:
            deployments.set_aside()

        def permit() -> HostKeys | None:
            found = refuse_unfit(api, reinstallation, clock.now(), progress)
            confirm_erasure(deed_by_url(found, reinstallation), confirm)
            return note_host_keys(api, order.server, wish, progress)

        result = install(api, reinstallation, deployments, clock, progress, permit)
        prove_and_show(api, result, order.customizations, wish, deployments, clock, progress)


def _attach(server: str | None, receipt: Path | None, customizations: Customizations, wish: ProofWish | None) -> None:
    if server is None:
        raise UsageError("--attach follows one server", remedy="Run the same command again without it: it goes on.")
    if not follow_to_the_end(connect_api(), server, receipt, customizations, wish):
        raise DeploymentRefused(
            f"nothing is being installed on {server}",
            remedy="Leave out --attach to install something.",
        )


def _refuse_beside_plan(told: tuple[object, ...], *, is_other: bool) -> None:
    if is_other or any(value not in (None, []) for value in told):
        raise UsageError(
            "--plan says what is done, and another flag or BYOI_ variable says it too",
            details="beside it: --server, --url, --http-header, those of the proof, --receipt, --again and --confirm",
            remedy="Leave out --plan, or the others; for something else make another plan.",
        )


def _needed(value: _Given | None, flag: str) -> _Given:
    if value is None:
        raise UsageError(f"{flag} is missing", remedy=f"Give {flag}, or --plan, or --attach to follow what runs.")
    return value
