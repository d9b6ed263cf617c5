"""Converts by our own qcow2 writer, and reads back what it wrote."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from byoi_tools.conversion.comparison import require_same_content
from byoi_tools.conversion.qcow2_writer import CLUSTER_BITS, DiskContent, write_qcow2
from byoi_tools.conversion.space import require_space
from byoi_tools.errors import NoSpace
from byoi_tools.formats.qcow2_disk import Qcow2Disk
from byoi_tools.formats.qcow2_header import read_qcow2_header
from byoi_tools.model.image import Compression, Container
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import open_image


def convert_by_writer(
    source: Path, container: Container, output: Path, compression: Compression, observer: Observer, *, is_verified: bool
) -> None:
    """Write the source, a raw or qcow2 image, as a qcow2; raises `ImageError`, `NoSpace` or `IntegrityError`."""
    threads = os.cpu_count() or 1
    with ExitStack() as opened:
        disk = _open_disk(source, container, opened)
        stored_bytes = sum(length for _, length in disk.data_ranges())
        require_space(output.parent, stored_bytes + disk.size_bytes // 4096)
        observer.work_started("converting", disk.size_bytes)
        try:
            with output.open("xb") as file:
                write_qcow2(disk, file, compression, observer, cluster_bits=CLUSTER_BITS, threads=threads)
        except OSError as failure:
            raise NoSpace(
                f"the converted image cannot be written in {output.parent.parent}",
                details=failure.strerror,
                remedy="Free some space, or name an output (or --work-dir) on another file system.",
            ) from failure
        observer.work_finished("converting")
        if is_verified:
            observer.work_started("comparing", None)
            written = opened.enter_context(open_image(output))
            require_same_content(disk, Qcow2Disk(written, read_qcow2_header(written)), threads)
            observer.work_finished("comparing")


def _open_disk(source: Path, container: Container, opened: ExitStack) -> DiskContent:
    file = opened.enter_context(open_image(source))
    qcow2 = container.qcow2
    return file if qcow2 is None else Qcow2Disk(file, qcow2.header)
