"""Plans a conversion: pure, so that a table of cases can test it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoi_tools.errors import ImageError
from byoi_tools.model.image import Compression, ImageFormat, ImageType

_SLOWEST_BYTES_PER_SECOND = 4 * 2**20
_LEAST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """One run of qemu-img: the arguments after `convert -p`, and the seconds that it may take."""

    arguments: tuple[str, ...]
    seconds: int


def plan_conversion(
    source: Path,
    source_format: ImageFormat,
    output: Path,
    output_type: ImageType,
    compression: Compression,
    virtual_size_bytes: int,
) -> ConversionPlan:
    """Return how to convert an image; the same inputs give the same bytes (no out-of-order writes).

    Raises `ImageError` for a format that cannot be converted, and for raw output with compression.
    """
    name = source_format.qemu_name
    if name is None:
        raise ImageError(
            f"a file in {source_format.value} format cannot be converted",
            remedy="Unpack it first, or export the disk as qcow2 or raw.",
        )
    if output_type is ImageType.RAW and compression is not Compression.NONE:
        raise ImageError("a raw image cannot be compressed", remedy="Use --compress none, or --to qcow2.")
    options = _qcow2_options(compression) if output_type is ImageType.QCOW2 else ()
    return ConversionPlan(
        arguments=(
            *("-f", name, "-O", output_type.value, *options),
            *(str(source.absolute()), str(output.absolute())),
        ),
        seconds=_LEAST_SECONDS + virtual_size_bytes // _SLOWEST_BYTES_PER_SECOND,
    )


def _qcow2_options(compression: Compression) -> tuple[str, ...]:
    if compression is Compression.NONE:
        return ("-o", "compat=1.1")
    return ("-c", "-o", f"compat=1.1,compression_type={compression.value}")
