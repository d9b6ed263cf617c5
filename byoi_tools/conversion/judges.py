"""Who judges which format before QEMU sees the file: its own small reader."""

from __future__ import annotations

from byoi_tools.formats.containers.vdi import judge_vdi
from byoi_tools.formats.containers.vhd import judge_vhd
from byoi_tools.formats.containers.vhdx import judge_vhdx
from byoi_tools.formats.containers.vmdk import judge_vmdk
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.image import ImageFormat

_JUDGES = {
    ImageFormat.VMDK: judge_vmdk,
    ImageFormat.VHD: judge_vhd,
    ImageFormat.VHDX: judge_vhdx,
    ImageFormat.VDI: judge_vdi,
}


def judge_foreign(source: ByteSource, image_format: ImageFormat) -> None:
    """Return when a vmdk, vhd, vhdx or vdi file alone holds its whole disk; nothing is said of other formats.

    Raises `ImageUnsafe` when it needs another file, `ImageMalformed` when it is damaged or cut off.
    """
    if image_format in _JUDGES:
        _JUDGES[image_format](source)
