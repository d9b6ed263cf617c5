"""The verb `publish`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_storage, system_clock
from byoi_tools.model.published import Verification


def publish(
    image: options.Image,
    to: options.Destination,
    public_url: options.PublicUrl = None,
    expires: options.Expires = "24h",
    verify: options.UrlVerification = Verification.RANGES,
    output_format: options.Format = options.OutputFormat.TEXT,
) -> None:
    """Upload an image and presign its URL.

    The credentials are boto3's own, and the endpoint too for s3://: AWS_* variables or ~/.aws. What is there
    already, with the same digest and size, is not uploaded again. Into file:///DIRECTORY the image is copied.
    """
    from byoi_tools.inspection.container import inspect_container
    from byoi_tools.pipeline.serving import publish_file, require_servable
    from byoi_tools.publishing.destination import ObjectPrefix, parse_expiry, warn_of_short_life
    from byoi_tools.publishing.public_directory import parse_any_destination
    from byoi_tools.reports.publication import render_publication, render_publication_json

    destination, lifetime = parse_any_destination(to, public_url), parse_expiry(expires)
    progress = Progress()
    if isinstance(destination, ObjectPrefix):
        warn_of_short_life(lifetime, progress)
    image_type = require_servable(inspect_container(image))
    published = publish_file(
        image,
        image_type,
        image.name,
        destination,
        lifetime,
        connect_storage(destination),
        system_clock(),
        progress,
        verify,
    )
    is_json = output_format is options.OutputFormat.JSON
    write_result(render_publication_json(published) if is_json else render_publication(published))
