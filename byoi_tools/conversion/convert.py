"""Converts an image, and proves that the result holds what the source held."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from byoi_tools.conversion.plan import plan_conversion
from byoi_tools.errors import ImageError, ImageMalformed, ImageUnsafe, IntegrityError, NoSpace, UsageError
from byoi_tools.formats.detection import is_ambiguous
from byoi_tools.formats.vmdk import judge_vmdk
from byoi_tools.inspection.container import open_virtual_disk
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.image import Compression, ImageFormat, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.qcow2 import Qcow2Facts
from byoi_tools.tools import qemu_img
from byoi_tools.tools.image_file import open_image

_SPARE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Converted:
    """A finished conversion: where it is, and its sizes in bytes."""

    path: Path
    image_type: ImageType
    size_bytes: int
    virtual_size_bytes: int


def convert_image(
    source: Path, output: Path, output_type: ImageType, compression: Compression, observer: Observer
) -> Converted:
    """Write `source` as `output`, which must not exist; the source is never changed.

    The source's header is judged by our own reader before qemu-img starts. The output appears under its name only
    when it is complete, was inspected, and was compared with the source; on any failure nothing is left. Raises
    `ImageError`, `NoSpace`, `ToolError`, `IntegrityError` or `UsageError`.
    """
    if os.path.lexists(output):
        raise UsageError(f"{output} exists already", remedy="Remove it, or name another output.")
    facts = inspect_image(source)
    source_format = judge_source(source, facts)
    virtual_size_bytes = _virtual_size(source, facts, source_format)
    plan = plan_conversion(source, facts.container.format, output, output_type, compression, virtual_size_bytes)
    _check_space(source, source_format, output, output_type)
    with _unfinished(output) as partial:
        arguments = (*plan.arguments[:-1], str(partial.absolute()))
        limits = qemu_img.Limits(plan.seconds)
        observer.work_started("converting", virtual_size_bytes)
        qemu_img.convert(
            arguments,
            limits,
            lambda percent: observer.work_advanced("converting", int(virtual_size_bytes * percent / 100)),
        )
        observer.work_finished("converting")
        observer.work_started("comparing", None)
        _verify(partial, output_type, virtual_size_bytes)
        qemu_img.compare(source, source_format, partial, output_type.value, limits)
        observer.work_finished("comparing")
        size_bytes = partial.stat().st_size
        os.link(partial, output)
    return Converted(output, output_type, size_bytes, virtual_size_bytes)


def judge_source(source: Path, facts: Facts) -> str:
    """Return qemu-img's name of the source's format, once nothing in its header points outside the file.

    Raises `ImageUnsafe` or `ImageError` otherwise; only after this may qemu-img see the file.
    """
    container = facts.container
    name = container.format.qemu_name
    if name is None:
        raise ImageError(
            f"{source} is a file in {container.format.value} format, which cannot be converted",
            remedy="Unpack it first (gunzip, unxz, unzstd, tar), or export the disk as qcow2 or raw.",
        )
    if is_ambiguous(container.matches):
        others = ", ".join(match.format.value for match in container.matches)
        raise ImageUnsafe(
            f"{source} can be read as several formats",
            details=others,
            remedy="Build the image again; a file that is two formats at once is broken or made to deceive.",
        )
    with open_image(source) as opened:
        if container.qcow2 is not None:
            open_virtual_disk(opened, container)
            _refuse_holes(source, container.qcow2)
        if container.format is ImageFormat.VMDK:
            judge_vmdk(opened)
    return name


def _refuse_holes(source: Path, qcow2: Qcow2Facts) -> None:
    """qemu-img reads clusters beyond the end of the file as zeros and calls that a success."""
    found = qcow2.cluster_map
    missing = found.value.missing_clusters if isinstance(found, Known) else None
    if missing != 0:
        raise ImageMalformed(
            f"{source} is truncated or damaged",
            details=found.reason if isinstance(found, NotExamined) else f"{missing} clusters lie beyond its end",
            remedy="Build or download the image again.",
        )


def _virtual_size(source: Path, facts: Facts, source_format: str) -> int:
    size = facts.container.virtual_size_bytes
    return size.value if isinstance(size, Known) else qemu_img.virtual_size(source, source_format)


def _check_space(source: Path, source_format: str, output: Path, output_type: ImageType) -> None:
    needed = qemu_img.measure(source, source_format, output_type.value) + _SPARE_BYTES
    directory = output.absolute().parent
    if not directory.is_dir():
        raise UsageError(f"the directory {directory} does not exist", remedy="Make it, or name another output.")
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise NoSpace(
            f"not enough free space in {directory} for the converted image",
            details=f"up to {needed} bytes are needed, {free} are free",
            remedy="Free some space, or name an output (or --work-dir) on another file system.",
        )


@contextmanager
def _unfinished(output: Path) -> Iterator[Path]:
    """A directory beside the output, so that renaming is atomic; it is gone afterwards, whatever happened."""
    with tempfile.TemporaryDirectory(prefix=f".{output.name[:60]}.", dir=output.absolute().parent) as directory:
        yield Path(directory) / "partial"


def _verify(partial: Path, output_type: ImageType, virtual_size_bytes: int) -> None:
    container = inspect_image(partial).container
    seen = container.virtual_size_bytes.known()
    expected = virtual_size_bytes if output_type is ImageType.QCOW2 else seen
    if (
        container.format.image_type is not output_type
        or seen < virtual_size_bytes
        or seen != expected
        or container.damage
    ):
        raise IntegrityError(
            "the converted image is not what was asked for",
            details=f"it reads as {container.format.value}, {seen} bytes; {container.damage or 'no damage was seen'}",
            remedy="Do not use it. Try again; if it happens twice, report it with the output of qemu-img --version.",
        )
