"""The verb `inspect`."""

from __future__ import annotations

import sys

from byoi_tools.cli import options
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.model.guest.reader import ReaderChoice


def inspect(
    image: options.AnyImage,
    output_format: options.Format = options.OutputFormat.TEXT,
    reader: options.Reader = ReaderChoice.AUTO,
    luks_key: options.LuksKey = None,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
) -> None:
    """Show what is in an image.

    What is compressed, or in an OVA, is unpacked first.
    """
    from byoi_tools.cli.order import read_luks_key
    from byoi_tools.model.location import parse_location
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.unpacking import Unpacking, inspect_any
    from byoi_tools.reports.facts_json import render_facts_json
    from byoi_tools.reports.facts_text import render_facts

    unpacking = Unpacking(work_dir, parse_size(max_size))
    facts = inspect_any(parse_location(image), Progress(), unpacking, reader, read_luks_key(luks_key, reader))
    if output_format is options.OutputFormat.JSON:
        write_result(render_facts_json(facts))
    else:
        write_result(render_facts(facts, terminal_of(sys.stdout)))
