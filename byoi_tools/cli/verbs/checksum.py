"""The verb `checksum`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.model.digest import DigestAlgorithm


def checksum(image: options.Image, algorithm: options.Algorithms = None) -> None:
    """Print digests of a file.

    One read serves all of them; `sha256sum -c` and its like can read the output.
    """
    from byoi_tools.publishing.digests import digest_file
    from byoi_tools.reports.checksums import render_checksums
    from byoi_tools.tools.image_file import open_image

    wanted = tuple(dict.fromkeys(algorithm or (DigestAlgorithm.SHA256, DigestAlgorithm.SHA512)))
    with open_image(image) as source:
        digests = digest_file(source, wanted, Progress())
    write_result(render_checksums(str(image), digests))
