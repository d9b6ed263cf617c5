"""Reads the container of an image, and opens the virtual disk in it."""

from __future__ import annotations

from pathlib import Path

from byoi_tools.errors import ImageError, ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.detection import detect_formats, image_format
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.containers.qcow2_map import read_cluster_map
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.disks.qcow2 import Qcow2ClusterMap, Qcow2Facts
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.image import Container, ImageFormat
from byoi_tools.tools.image_file import open_image


def inspect_container(path: Path) -> Container:
    """Return what an image file says of itself, without a look at the disk in it.

    Raises `ImageError` when the path is no readable regular file, or a qcow2 header cannot be decoded.
    """
    with open_image(path) as source:
        return read_container(source, str(path), source.allocated_bytes)


def read_container(source: ByteSource, path: str, allocated_bytes: int) -> Container:
    """Return what the file itself says; raises `ImageMalformed` when a qcow2 header cannot be decoded."""
    matches = detect_formats(source)
    chosen = image_format(matches)
    qcow2 = _read_qcow2(source) if chosen is ImageFormat.QCOW2 else None
    return Container(
        path=path,
        size_bytes=source.size_bytes,
        allocated_bytes=allocated_bytes,
        format=chosen,
        matches=matches,
        virtual_size_bytes=_virtual_size(source, chosen, qcow2),
        qcow2=qcow2,
    )


def open_virtual_disk(source: ByteSource, container: Container) -> ByteSource | None:
    """Return the virtual disk, or None for a container that only other tools read.

    Raises `ImageUnsafe` when reading it would need something outside the file.
    """
    if container.qcow2 is not None:
        return Qcow2Disk(source, container.qcow2.header)
    return source if container.format in (ImageFormat.RAW, ImageFormat.ISO9660) else None


def _read_qcow2(source: ByteSource) -> Qcow2Facts:
    header = read_qcow2_header(source)
    try:
        cluster_map: Fact[Qcow2ClusterMap] = Known(read_cluster_map(source, header))
    except (ImageMalformed, ImageUnsafe) as refused:
        cluster_map = NotExamined(_in_words(refused))
    return Qcow2Facts(header, cluster_map)


def _virtual_size(source: ByteSource, chosen: ImageFormat, qcow2: Qcow2Facts | None) -> Fact[int]:
    if qcow2 is not None:
        return Known(qcow2.header.virtual_size_bytes)
    if chosen in (ImageFormat.RAW, ImageFormat.ISO9660):
        return Known(source.size_bytes)
    return NotExamined(f"the inside of {chosen.value} files is not read")


def _in_words(refused: ImageError) -> str:
    return f"{refused.message} ({refused.details})" if refused.details else refused.message
