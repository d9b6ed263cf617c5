"""The verb `publish`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from byoi_tools.cli import options
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_storage, open_upload_record, system_clock
from byoi_tools.model.image import Compression, Engine
from byoi_tools.model.published import Verification


def publish(
    image: options.Image,
    to: options.Destination,
    public_url: options.PublicUrl = None,
    image_type: options.ServedType = None,
    compress: options.Compress = Compression.NONE,
    engine: options.Conversion = Engine.AUTO,
    no_verify: options.NoVerify = False,
    expires: options.Expires = "24h",
    verify: options.UrlVerification = Verification.RANGES,
    digest: options.MoreDigests = None,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
    resume: options.Resume = True,
    receipt: options.ReceiptFile = None,
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Upload an image and presign its URL.

    The credentials are boto3's own, and the endpoint too for s3://: AWS_* variables or ~/.aws. What is there
    already is not uploaded again. What the provider does not take is converted; a conversion is sent while it is
    made, and becomes an object only when it was compared with its source. Into file:///DIRECTORY the image is
    copied.
    """
    from byoi_tools.model.digest import with_usual
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.making import Making, make_candidate
    from byoi_tools.pipeline.publication import Delivery, publish_candidate
    from byoi_tools.pipeline.workspace import Workspace
    from byoi_tools.publishing.destination import ObjectPrefix, parse_expiry, warn_of_short_life
    from byoi_tools.publishing.public_directory import parse_any_destination
    from byoi_tools.reports.publication import render_publication, render_publication_json

    destination, lifetime = parse_any_destination(to, public_url), parse_expiry(expires)
    algorithms = with_usual(digest or ())
    making = Making(image_type, compress, engine, not no_verify, resume, parse_size(max_size), algorithms)
    progress = Progress()
    if isinstance(destination, ObjectPrefix):
        warn_of_short_life(lifetime, progress)
    delivery = Delivery(
        destination, lifetime, connect_storage(destination), system_clock(), progress, verify, algorithms=algorithms
    )
    delivery.require_usable()
    with ExitStack() as stack:
        if isinstance(destination, ObjectPrefix):
            record = stack.enter_context(open_upload_record(image, receipt, delivery.clock, progress))
            delivery = replace(delivery, record=record)
        workspace = stack.enter_context(Workspace(work_dir or image.absolute().parent))
        candidate = make_candidate(image, making, workspace, progress)
        published = publish_candidate(candidate, making, delivery, workspace)
    is_json = output_format is options.OutputFormat.JSON
    write_result(render_publication_json(published) if is_json else render_publication(published))
