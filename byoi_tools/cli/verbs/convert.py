"""The verb `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from byoi_tools.cli import options
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import write_result
from byoi_tools.model.image import Compression, Engine, ImageType


def convert(
    image: options.Image,
    output: Annotated[Path, typer.Argument(help="The file to write; it must not exist.", show_default=False)],
    to: options.ConvertTo = ImageType.QCOW2,
    compress: options.Compress = Compression.NONE,
    engine: options.Conversion = Engine.AUTO,
    no_verify: options.NoVerify = False,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
) -> None:
    """Write an image in another format.

    What is compressed, or in an OVA, is unpacked first. The output is compared with the source, and appears only when
    it holds the same.
    """
    from byoi_tools.conversion.convert import convert_image, require_new_output
    from byoi_tools.model.sizes import human_size, parse_size
    from byoi_tools.pipeline.unpacking import Unpacking, plain_file

    progress = Progress()
    unpacking = Unpacking(work_dir or output.absolute().parent, parse_size(max_size))
    require_new_output(output, to, compress)  # before what takes long
    with plain_file(image, unpacking, progress) as plain:
        done = convert_image(plain, output, to, compress, progress, engine=engine, is_verified=not no_verify)
    write_result(f"{done.path}: {done.image_type.value}, {human_size(done.size_bytes)}\n")
