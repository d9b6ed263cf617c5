"""The verb `match`."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from byoi_tools.cli import options
from byoi_tools.cli.flag_groups import ConfigDriveFlags, JudgingFlags
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.order import read_headers, read_luks_key, read_partitioning
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.rules import choose_rules
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.cli.wiring import connect_api
from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.image import ImageType

if TYPE_CHECKING:
    from byoi_tools.model.deployment.planned import Delivery

_NOWHERE = NotExamined("nobody said where the image goes (--to)")


@with_groups
def match(
    image: options.AnyImage,
    server: options.ServerName,
    *,
    judging: JudgingFlags,
    output_format: options.Format = options.OutputFormat.TEXT,
    image_type: options.DeclaredType = None,
    to: options.PlannedDestination = None,
    public_url: options.PublicUrl = None,
    expires: options.Expires = "24h",
    drive: ConfigDriveFlags,
    http_header: options.HttpHeaders = None,
    disk_group: options.DiskGroup = None,
    system: options.System = None,
    partitioning: options.PartitioningFile = None,
    install_api: options.Api = InstallApi.REINSTALL,
    reader: options.Reader = ReaderChoice.AUTO,
    luks_key: options.LuksKey = None,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
) -> int:
    """Tell whether an image fits a server.

    Only reads: the image, and the provider's API. The same is judged before publish-and-deploy uploads or erases
    anything. Exit 6 when the server or the request does not fit, 1 when only the image is bad.
    """
    from byoi_tools.model.location import parse_location
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.checking import known_profile
    from byoi_tools.pipeline.matching import Wishes, ask, does_server_fit, match_image, only_boot_mode
    from byoi_tools.pipeline.unpacking import Unpacking
    from byoi_tools.reports.json_v1 import render_reports
    from byoi_tools.reports.text import render_report

    location = parse_location(image)
    known = known_profile(judging.profile) if judging.profile else None
    product = system or (known.product if known else Product.BYOI)
    customizations = drive.customizations()
    require_possible(install_api, product, customizations, None)
    wishes = Wishes(
        loader_path=loader_for(install_api, judging.efi_bootloader_path),
        customizations=customizations,
        disk_group_id=disk_group,
        delivery=_delivery(to, public_url, expires, image_type, http_header),
        partitioning=read_partitioning(partitioning, product),
        api=install_api,
    )
    unpacking, key = Unpacking(work_dir, parse_size(max_size)), read_luks_key(luks_key, reader)
    api = connect_api()
    asked = ask(api, server)
    meant = judging.boot or (known.boot if known else None)
    mode = meant or only_boot_mode(asked.server)
    rules = choose_rules(mode, judging.profile, judging.fail_on, judging.waivers, product)
    rules = replace(rules, reader=reader, unpacking=unpacking, luks_key=key)
    report = match_image(api, asked, location, rules, wishes, Progress())
    if output_format is options.OutputFormat.JSON:
        write_result(render_reports((report,), is_list=False))
    else:
        write_result(render_report(report, terminal_of(sys.stdout)))
    if not does_server_fit(report):
        return DeploymentRefused.exit_code
    return 0 if report.has_passed else 1


def _delivery(
    to: str | None, public_url: str | None, expires: str, image_type: ImageType | None, headers: list[str] | None
) -> Delivery:
    """How the image would be fetched, as far as the flags say."""
    from byoi_tools.model.deployment.planned import Delivery
    from byoi_tools.publishing.destination import ObjectPrefix, parse_expiry
    from byoi_tools.publishing.public_directory import parse_any_destination

    life: Fact[timedelta | None] = _NOWHERE
    is_presigned: Fact[bool] = _NOWHERE
    if to is not None:
        is_presigned = Known(isinstance(parse_any_destination(to, public_url), ObjectPrefix))
        life = Known(parse_expiry(expires) if is_presigned.value else None)
    return Delivery(
        image_type=NotExamined("the image's own") if image_type is None else Known(image_type),
        is_presigned=is_presigned,
        life=life,
        header_names=tuple(name for name, _ in read_headers(headers)),
    )
