"""The verb `deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_erasure, require_confirmation
from byoi_tools.cli.follow import follow_to_the_end, prove_and_show
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.order import read_customizations, read_headers, read_partitioning
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.proving import choose_proof
from byoi_tools.cli.wiring import connect_api, open_server_receipt, system_clock
from byoi_tools.errors import DeploymentRefused, UsageError
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment import Customizations, ImageSource, InstallApi, InstallOrder, Reinstallation
from byoi_tools.model.digest import Digest
from byoi_tools.model.secret import Secret

if TYPE_CHECKING:
    from byoi_tools.pipeline.proving import ProofWish

_Given = TypeVar("_Given")


def deploy(
    server: options.ServerName,
    url: options.Url = None,
    checksum: options.Checksum = None,
    image_type: options.UrlImageType = None,
    efi_bootloader_path: options.LoaderPath = None,
    hostname: options.Hostname = None,
    ssh_key: options.SshKey = None,
    user_data: options.UserData = None,
    metadata: options.Metadata = None,
    http_header: options.HttpHeaders = None,
    disk_group: options.DiskGroup = None,
    api: options.Api = InstallApi.REINSTALL,
    description: options.Description = None,
    system: options.System = Product.BYOI,
    partitioning: options.PartitioningFile = None,
    prove: options.Proving = None,
    ssh_address: options.SshServerAddress = None,
    ssh_user: options.SshUser = None,
    ssh_private_key: options.PrivateKey = None,
    prove_timeout: options.ProveTimeout = options.PROVE_TIMEOUT,
    attach: options.Attach = False,
    receipt: options.ReceiptFile = None,
    again: options.Again = False,
    confirm: options.Confirm = None,
) -> None:
    """ERASE a server, install the image at a URL.

    --url, --checksum and --image-type are needed, or --attach. The credentials are ovh's own: OVH_* variables or
    ovh.conf. Waits until the new system is proven to run; run again after an interruption, it goes on with the same
    installation.
    """
    from byoi_tools.pipeline.proving import with_marker

    wish = (
        None
        if attach and prove is None
        else choose_proof(prove, ssh_address, ssh_user, prove_timeout, ssh_private_key, ssh_key)
    )
    customizations = with_marker(read_customizations(hostname, ssh_key, user_data, metadata), wish)
    if attach:
        _attach(server, receipt, customizations, wish)
        return
    source = ImageSource(
        Secret(_needed(url, "--url")),
        _needed(image_type, "--image-type").sent,
        _parse_checksum(_needed(checksum, "--checksum")),
        read_headers(http_header),
    )
    product = system or Product.BYOI
    require_possible(api, product, customizations, description, source.image_type)
    loader = loader_for(api, efi_bootloader_path)
    layout = read_partitioning(partitioning, product)
    order = InstallOrder(server, product, loader, customizations, disk_group, api, description, layout)
    require_confirmation(server, confirm)
    _install(Reinstallation(order, source), wish, receipt, confirm, is_again=again)


def _install(
    reinstallation: Reinstallation,
    wish: ProofWish | None,
    receipt: Path | None,
    confirm: str | None,
    *,
    is_again: bool,
) -> None:
    """Go on with an earlier run's installation, or look, ask and start one; then watch and prove it."""
    from byoi_tools.pipeline.deployments import Deployments
    from byoi_tools.pipeline.installing import resume, start, watch
    from byoi_tools.pipeline.matching import refuse_unfit
    from byoi_tools.pipeline.proving import note_host_keys

    order = reinstallation.order
    api, clock, progress = connect_api(), system_clock(), Progress()
    with open_server_receipt(api, order.server, receipt) as opened:
        deployments = Deployments(opened, order.server, clock)
        if is_again:
            deployments.end("set aside by --again")
        task = resume(api, reinstallation, deployments, clock, progress)
        if task is None:
            found = refuse_unfit(api, reinstallation, clock.now(), progress)
            confirm_erasure(found, confirm)
            before = note_host_keys(api, order.server, wish, progress)
            task = start(api, reinstallation, deployments, clock, progress, before)
        result = watch(api, order.server, task, deployments, clock, progress)
        prove_and_show(api, result, order.customizations, wish, deployments, clock, progress)


def _attach(server: str, receipt: Path | None, customizations: Customizations, wish: ProofWish | None) -> None:
    if not follow_to_the_end(connect_api(), server, receipt, customizations, wish):
        raise DeploymentRefused(
            f"nothing is being installed on {server}",
            remedy="Leave out --attach to install something.",
        )


def _needed(value: _Given | None, flag: str) -> _Given:
    if value is None:
        raise UsageError(f"{flag} is missing", remedy=f"Give {flag}, or --attach to follow what runs.")
    return value


def _parse_checksum(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError as wrong:
        raise UsageError(
            f"--checksum {text[:80]} is no checksum",
            details=str(wrong),
            remedy="Write sha512: and the digits; `byoi-tools checksum IMAGE` prints them.",
        ) from wrong
