"""The verb `deploy`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_erasure, require_confirmation
from byoi_tools.cli.order import read_customizations, read_headers
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment import ImageNeeds, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.digest import Digest
from byoi_tools.model.secret import Secret


def deploy(
    server: options.ServerName,
    url: options.Url,
    checksum: options.Checksum,
    image_type: options.SentType,
    efi_bootloader_path: options.LoaderPath = None,
    hostname: options.Hostname = None,
    ssh_key: options.SshKey = None,
    user_data: options.UserData = None,
    metadata: options.Metadata = None,
    http_header: options.HttpHeaders = None,
    disk_group: options.DiskGroup = None,
    confirm: options.Confirm = None,
) -> None:
    """ERASE a server, install the image at a URL.

    The credentials are ovh's own: OVH_* variables or ovh.conf. Waits until the installation is done.
    """
    from byoi_tools.deployment.facts import read_server
    from byoi_tools.deployment.fit import refuse_misfits
    from byoi_tools.pipeline.installing import start, watch
    from byoi_tools.reports.installation import render_installation

    source = ImageSource(Secret(url), image_type, _parse_checksum(checksum), read_headers(http_header))
    customizations = read_customizations(hostname, ssh_key, user_data, metadata)
    order = InstallOrder(server, Product.BYOI, efi_bootloader_path, customizations, disk_group)
    require_confirmation(server, confirm)
    api, clock, progress = connect_api(), system_clock(), Progress()
    found = read_server(api, server)
    refuse_misfits(found, ImageNeeds(None, None, None), order, progress)
    confirm_erasure(found, confirm)
    task = start(api, Reinstallation(order, source), clock, progress)
    write_result(render_installation(watch(api, server, task, clock, progress)))


def _parse_checksum(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except ValueError as wrong:
        raise UsageError(
            f"--checksum {text[:80]} is no checksum",
            details=str(wrong),
            remedy="Write sha512: and the digits; `byoi-tools checksum IMAGE` prints them.",
        ) from wrong
