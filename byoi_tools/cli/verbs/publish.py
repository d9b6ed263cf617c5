"""The verb `publish`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from byoi_tools.cli import options
from byoi_tools.cli.flag_groups import MakingFlags
from byoi_tools.cli.grouping import with_groups
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_storage, open_upload_record, system_clock
from byoi_tools.model.publishing.published import Verification


@with_groups
def publish(
    image: options.Image,
    to: options.Destination,
    *,
    public_url: options.PublicUrl = None,
    flags: MakingFlags,
    expires: options.Expires = "24h",
    verify: options.UrlVerification = Verification.RANGES,
    work_dir: options.WorkDirectory = None,
    receipt: options.ReceiptFile = None,
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Upload an image and presign its URL.

    The credentials are boto3's own, and the endpoint too for s3://: AWS_* variables or ~/.aws. What is there
    already is not uploaded again. What the provider does not take is converted; a conversion is sent while it is
    made, and becomes an object only when it was compared with its source. Into file:///DIRECTORY the image is
    copied.
    """
    from byoi_tools.pipeline.making import make_candidate
    from byoi_tools.pipeline.publication import publish_candidate, require_usable
    from byoi_tools.pipeline.workspace import Workspace
    from byoi_tools.publishing.destination import ObjectPrefix, parse_expiry, warn_of_short_life
    from byoi_tools.publishing.handover import Handover
    from byoi_tools.publishing.public_directory import parse_any_destination
    from byoi_tools.reports.publication import render_publication, render_publication_json

    destination, lifetime = parse_any_destination(to, public_url), parse_expiry(expires)
    making = flags.making()
    progress = Progress()
    if isinstance(destination, ObjectPrefix):
        warn_of_short_life(lifetime, progress)
    storage, clock = connect_storage(destination), system_clock()
    handover = Handover(storage, lifetime, clock, progress, verify, algorithms=making.algorithms)
    require_usable(destination, handover)
    with ExitStack() as stack:
        if isinstance(destination, ObjectPrefix):
            record = stack.enter_context(open_upload_record(image, receipt, clock, progress))
            handover = replace(handover, record=record)
        workspace = stack.enter_context(Workspace(work_dir or image.absolute().parent))
        candidate = make_candidate(image, making, workspace, progress)
        published = publish_candidate(candidate, making, destination, handover, workspace)
    is_json = output_format is options.OutputFormat.JSON
    write_result(render_publication_json(published) if is_json else render_publication(published))
