"""Reads unified kernel images: a kernel and its initramfs as sections of one EFI program (UAPI Group, UKI)."""

from __future__ import annotations

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.linux_kernel import HEAD_BYTES, read_kernel
from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.pe import PeImage
from byoi_tools.model.guest.kernels import KernelImage

UNIFIED_LIMIT_BYTES = 112 << 20
_MOUNT_POINTS = ("/boot/efi", "/efi", "/boot")
_IMAGE_LIMIT = 3


@dataclass(frozen=True, slots=True)
class UnifiedKernel:
    """A unified kernel image; `kernel_size_bytes` is the kernel's part of it, `initramfs` empty where there is none."""

    path: str
    version: str
    kernel_size_bytes: int
    image: KernelImage | None
    initramfs: bytes


def find_unified(tree: GuestTree) -> tuple[str, ...]:
    """The images in `EFI/Linux` of the file systems that are mounted where ESPs are, the last three by name."""
    found = [path for point in _MOUNT_POINTS for path in tree.glob(f"{point}/EFI/Linux", "*.[eE][fF][iI]")]
    return tuple(sorted(found)[-_IMAGE_LIMIT:])


def read_unified(tree: GuestTree, path: str) -> UnifiedKernel | None:
    """What an image holds; None where it holds no kernel or is larger than 112 MiB."""
    status = tree.status(path)
    if status is None or status.size_bytes > UNIFIED_LIMIT_BYTES:
        return None
    content = tree.read(path, UNIFIED_LIMIT_BYTES) or b""
    try:
        program = read_pe(Memory(content))
    except ImageMalformed:
        return None
    kernel = _section(content, program, ".linux")
    if not kernel:
        return None
    image = read_kernel(bytes(kernel[:HEAD_BYTES]))
    named = bytes(_section(content, program, ".uname")[:256]).partition(b"\0")[0].decode("utf-8", "replace").strip()
    return UnifiedKernel(
        path=path,
        version=image.release if image and image.release else named,
        kernel_size_bytes=len(kernel),
        image=image,
        initramfs=b"".join(_section(content, program, name) for name in (".ucode", ".initrd")),
    )


def _section(content: bytes, program: PeImage, name: str) -> memoryview:
    found = program.section(name)
    if found is None:
        return memoryview(b"")
    size = min(found.size_bytes, found.virtual_size_bytes or found.size_bytes)
    return memoryview(content)[found.offset : found.offset + size]
