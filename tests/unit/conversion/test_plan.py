"""What qemu-img is asked to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.conversion.plan import plan_conversion
from byoi_tools.errors import ImageError
from byoi_tools.model.image import Compression, ImageFormat, ImageType

HEAD = ("-f", "raw", "-O")


@pytest.mark.parametrize(
    ("source_format", "output_type", "compression", "arguments"),
    [
        (ImageFormat.RAW, ImageType.QCOW2, Compression.NONE, (*HEAD, "qcow2", "-o", "compat=1.1")),
        (
            ImageFormat.RAW,
            ImageType.QCOW2,
            Compression.ZLIB,
            (*HEAD, "qcow2", "-c", "-o", "compat=1.1,compression_type=zlib"),
        ),
        (
            ImageFormat.RAW,
            ImageType.QCOW2,
            Compression.ZSTD,
            (*HEAD, "qcow2", "-c", "-o", "compat=1.1,compression_type=zstd"),
        ),
        (ImageFormat.QCOW2, ImageType.RAW, Compression.NONE, ("-f", "qcow2", "-O", "raw")),
        (ImageFormat.VHD, ImageType.RAW, Compression.NONE, ("-f", "vpc", "-O", "raw")),
        (ImageFormat.VHDX, ImageType.RAW, Compression.NONE, ("-f", "vhdx", "-O", "raw")),
        (ImageFormat.VDI, ImageType.RAW, Compression.NONE, ("-f", "vdi", "-O", "raw")),
        (ImageFormat.VMDK, ImageType.RAW, Compression.NONE, ("-f", "vmdk", "-O", "raw")),
    ],
)
def test_the_format_is_always_given(
    source_format: ImageFormat, output_type: ImageType, compression: Compression, arguments: tuple[str, ...]
) -> None:
    plan = plan_conversion(Path("/a"), source_format, Path("/b"), output_type, compression, 2**30)
    assert plan.arguments == (*arguments, "/a", "/b")


def test_a_name_that_looks_like_a_protocol_is_made_a_path() -> None:
    plan = plan_conversion(Path("json:{}"), ImageFormat.RAW, Path("nbd:x"), ImageType.QCOW2, Compression.NONE, 2**20)
    assert all(name.startswith("/") for name in plan.arguments[-2:])


@pytest.mark.parametrize("image_format", [ImageFormat.GZIP, ImageFormat.TAR, ImageFormat.LUKS, ImageFormat.QED])
def test_other_formats_are_refused(image_format: ImageFormat) -> None:
    with pytest.raises(ImageError, match="cannot be converted"):
        plan_conversion(Path("/a"), image_format, Path("/b"), ImageType.RAW, Compression.NONE, 1)


def test_raw_cannot_be_compressed() -> None:
    with pytest.raises(ImageError, match="raw image cannot be compressed"):
        plan_conversion(Path("/a"), ImageFormat.QCOW2, Path("/b"), ImageType.RAW, Compression.ZLIB, 1)


def test_a_larger_disk_may_take_longer() -> None:
    small, large = (
        plan_conversion(Path("/a"), ImageFormat.RAW, Path("/b"), ImageType.QCOW2, Compression.NONE, size).seconds
        for size in (2**20, 2**40)
    )
    assert small < large
