"""The verb `check`."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace

from byoi_tools.cli import options
from byoi_tools.cli.failure import show_error
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.terminal import terminal_of, write_result
from byoi_tools.model.finding import Report
from byoi_tools.model.guest.reader import ReaderChoice


def check(
    images: options.Images,
    boot: options.Boot = None,
    efi_bootloader_path: options.LoaderPath = None,
    profile: options.Profile = None,
    image_type: options.DeclaredType = None,
    user_data: options.CheckedUserData = None,
    output_format: options.Format = options.OutputFormat.TEXT,
    fail_on: options.Fail = options.FailOn.ERROR,
    waivers: options.Waivers = None,
    jobs: options.Jobs = 1,
    reader: options.Reader = ReaderChoice.AUTO,
    luks_key: options.LuksKey = None,
    work_dir: options.WorkDirectory = None,
    max_size: options.LargestSize = options.LARGEST_SIZE,
) -> int:
    """Tell whether images would deploy and boot.

    Reads nothing but the images, and of remote ones only a part. What is compressed, or in an OVA, is unpacked first.
    Exit 1 when the verdict on one of them is bad.
    """
    _start_reader_ahead(images, jobs, reader)
    from byoi_tools.cli.order import read_luks_key, read_user_data_file
    from byoi_tools.cli.rules import choose_rules
    from byoi_tools.model.location import parse_location
    from byoi_tools.model.sizes import parse_size
    from byoi_tools.pipeline.parallel import Order, check_images
    from byoi_tools.pipeline.unpacking import Unpacking
    from byoi_tools.reports.json_v1 import render_reports
    from byoi_tools.reports.text import render_report

    unpacking = Unpacking(work_dir, parse_size(max_size))
    rules = replace(
        choose_rules(boot, profile, fail_on, waivers),
        reader=reader,
        unpacking=unpacking,
        luks_key=read_luks_key(luks_key, reader),
    )
    order = Order(rules, efi_bootloader_path, image_type, read_user_data_file(user_data))
    for image in images:
        parse_location(image)  # a wrong name is told before any image is read
    reports: list[Report] = []
    codes: list[int] = []
    with closing(check_images(images, order, jobs, Progress())) as results:
        for result in results:
            if isinstance(result, Report):
                reports.append(result)
            else:
                codes.append(show_error(result))
    if output_format is options.OutputFormat.JSON and (reports or len(images) > 1):
        write_result(render_reports(tuple(reports), is_list=len(images) > 1))
    elif reports:
        terminal = terminal_of(sys.stdout)
        write_result("\n".join(render_report(report, terminal) for report in reports))
    return max([*codes, *(0 if report.has_passed else 1 for report in reports)])


def _start_reader_ahead(images: list[str], jobs: int, reader: ReaderChoice) -> None:
    """Nearly every image has a guest that the native readers read: their process starts while the rest is imported."""
    if reader is not ReaderChoice.GUESTFS and (jobs == 1 or len(images) == 1):
        from byoi_tools.tools.native.process import start_ahead

        start_ahead(len(images))
