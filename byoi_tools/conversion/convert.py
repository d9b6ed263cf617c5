"""Converts an image, and proves that the result holds what the source held."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from byoi_tools.conversion.by_qemu_img import convert_by_qemu_img
from byoi_tools.conversion.by_writer import convert_by_writer, is_written_by_us
from byoi_tools.conversion.judges import judge_foreign
from byoi_tools.errors import ImageError, ImageMalformed, ImageUnsafe, IntegrityError, StorageError, UsageError
from byoi_tools.formats.containers.detection import is_ambiguous
from byoi_tools.inspection.container import inspect_container, open_virtual_disk
from byoi_tools.model.disks.qcow2 import Qcow2Facts
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.image import Compression, Container, Engine, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import FileIdentity, open_image


@dataclass(frozen=True, slots=True)
class Converted:
    """A finished conversion: where it is, its sizes in bytes, and the versions of what made it, by their names."""

    path: Path
    image_type: ImageType
    size_bytes: int
    virtual_size_bytes: int
    tools: Mapping[str, str]


def convert_image(
    source: Path,
    output: Path,
    output_type: ImageType,
    compression: Compression,
    observer: Observer,
    *,
    engine: Engine = Engine.AUTO,
    is_verified: bool = True,
) -> Converted:
    """Write `source` as `output`, which must not exist; the source is never changed.

    qcow2 out of raw and qcow2 is written by our own writer, unless the engine says otherwise; the rest by qemu-img, and
    not before our own reader has judged the header. The output appears under its name only when it is complete, was
    inspected, and (unless `is_verified` is False) was compared with the source; on any failure nothing is left. Raises
    `ImageError`, `NoSpace`, `ToolError`, `IntegrityError`, `UsageError`, or `StorageError` when the source changed.
    """
    require_new_output(output, output_type, compression)
    identity = _identify(source)
    container = inspect_container(source)
    source_format = judge_source(source, container)
    with _unfinished(output) as partial:
        if is_written_by_us(container, output_type, engine):
            tools = convert_by_writer(source, container, partial, compression, observer, is_verified=is_verified)
        else:
            tools = convert_by_qemu_img(
                source, container, source_format, partial, output_type, compression, observer, is_verified=is_verified
            )
        size_bytes, virtual_size_bytes = _inspect_output(partial, output_type, container)
        if _identify(source) != identity:
            raise StorageError(
                f"{source} was changed while it was converted", remedy="Let nothing write to it, and convert it again."
            )
        os.link(partial, output)
    return Converted(output, output_type, size_bytes, virtual_size_bytes, tools)


def require_new_output(output: Path, output_type: ImageType, compression: Compression) -> None:
    """Raise `UsageError` when the output cannot be what was ordered; `convert_image` looks for itself."""
    if os.path.lexists(output):
        raise UsageError(f"{output} exists already", remedy="Remove it, or name another output.")
    if output_type is ImageType.RAW and compression is not Compression.NONE:
        raise UsageError("a raw image cannot be compressed", remedy="Use --compress none, or --to qcow2.")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"the directory {output.absolute().parent} does not exist", remedy="Make it, or name another.")


def _identify(source: Path) -> FileIdentity:
    with open_image(source) as opened:
        return opened.identity


def judge_source(source: Path, container: Container) -> str:
    """Return qemu-img's name of the source's format, once nothing in its header points outside the file.

    Raises `ImageUnsafe` or `ImageError` otherwise; only after this may qemu-img see the file.
    """
    name = container.format.qemu_name
    if name is None:
        raise ImageError(
            f"{source} is a file in {container.format.value} format, which cannot be converted",
            remedy="Unpack it first, or export the disk as qcow2 or raw.",
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
        judge_foreign(opened, container.format)
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


@contextmanager
def _unfinished(output: Path) -> Iterator[Path]:
    """A directory beside the output, so that renaming is atomic; it is gone afterwards, whatever happened."""
    with tempfile.TemporaryDirectory(prefix=f".{output.name[:60]}.", dir=output.absolute().parent) as directory:
        yield Path(directory) / "partial"


def _inspect_output(partial: Path, output_type: ImageType, source: Container) -> tuple[int, int]:
    """The sizes of file and virtual disk, once our own reader has found the output to be what was asked for."""
    container = inspect_container(partial)
    virtual_size_bytes = container.virtual_size_bytes.known()
    wanted = source.virtual_size_bytes
    is_as_large = not isinstance(wanted, Known) or -(-wanted.value // 512) * 512 == virtual_size_bytes
    if container.format.image_type is not output_type or not is_as_large:
        raise IntegrityError(
            "the converted image is not what was asked for",
            details=f"it is {container.format.value} of {virtual_size_bytes} bytes",
            remedy="Do not use it. Try again; if it happens twice, report it with the output of qemu-img --version.",
        )
    return container.size_bytes, virtual_size_bytes
