"""Image files: their formats, and what the container around a virtual disk says of itself."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.qcow2 import Qcow2Facts
from byoi_tools.model.fact import Fact


class ImageType(Enum):
    """The two values of the provider's `imageType`."""

    QCOW2 = "qcow2"
    RAW = "raw"


class PackedType(Enum):
    """What the provider unpacks itself; only its API of the 2020 guides does (`type`)."""

    OVA = "ova"


SentType: TypeAlias = ImageType | PackedType


class Compression(Enum):
    """How the clusters of a qcow2 are compressed."""

    NONE = "none"
    ZLIB = "zlib"
    ZSTD = "zstd"


class Engine(Enum):
    """Who converts: our own writer where it can, or always qemu-img."""

    AUTO = "auto"
    QEMU_IMG = "qemu-img"


class ImageFormat(Enum):
    """What a file is by its content; `RAW` is what matches nothing else."""

    QCOW2 = "qcow2"
    RAW = "raw"
    VMDK = "vmdk"
    VHD = "vhd"
    VHDX = "vhdx"
    VDI = "vdi"
    QCOW1 = "qcow (version 1)"
    QED = "qed"
    LUKS = "luks"
    ISO9660 = "iso9660"
    TAR = "tar (or ova)"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    GZIP = "gzip"
    XZ = "xz"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    LZ4 = "lz4"

    @property
    def image_type(self) -> ImageType | None:
        """The provider's name of the format, or None when the provider does not take it."""
        return {ImageFormat.QCOW2: ImageType.QCOW2, ImageFormat.RAW: ImageType.RAW}.get(self)

    @property
    def is_compressed_wrapper(self) -> bool:
        """Whether the file is a compressed or archived something, not an image itself."""
        return self in _WRAPPERS

    @property
    def is_unpacked(self) -> bool:
        """Whether it is one of the compressed or archived somethings that we unpack ourselves."""
        return self in _UNPACKED

    @property
    def qemu_name(self) -> str | None:
        """The name that `qemu-img -f` has for a format which can be converted, or None."""
        return _QEMU_NAMES.get(self)


_WRAPPERS = {
    ImageFormat.TAR,
    ImageFormat.ZIP,
    ImageFormat.SEVEN_ZIP,
    ImageFormat.GZIP,
    ImageFormat.XZ,
    ImageFormat.ZSTD,
    ImageFormat.BZIP2,
    ImageFormat.LZ4,
}
_UNPACKED = {ImageFormat.TAR, ImageFormat.GZIP, ImageFormat.XZ, ImageFormat.ZSTD, ImageFormat.BZIP2}
_QEMU_NAMES = {
    ImageFormat.QCOW2: "qcow2",
    ImageFormat.RAW: "raw",
    ImageFormat.VMDK: "vmdk",
    ImageFormat.VHD: "vpc",
    ImageFormat.VHDX: "vhdx",
    ImageFormat.VDI: "vdi",
}


@dataclass(frozen=True, slots=True)
class FormatMatch:
    """A format whose signature was found, and where: `offset` and `length` in bytes."""

    format: ImageFormat
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Container:
    """The file around a virtual disk.

    `size_bytes` is what a download transfers, `allocated_bytes` what the file occupies on its file system.
    `matches` holds every format whose signature was found (several: the file is ambiguous), `format` the one that
    counts. `qcow2` is None for other formats. `virtual_size_bytes` is not examined for formats that only
    `qemu-img` reads. `damage` says why the virtual disk could not be read where its header allows it; else it is empty.
    `wrappers` is what the image was unpacked from, the outermost first; all else, but the path, is of what was in it.
    """

    path: str
    size_bytes: int
    allocated_bytes: int
    format: ImageFormat
    matches: tuple[FormatMatch, ...]
    virtual_size_bytes: Fact[int]
    qcow2: Qcow2Facts | None
    damage: str = ""
    wrappers: tuple[ImageFormat, ...] = ()
