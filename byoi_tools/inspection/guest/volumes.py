"""Finds the volumes of a disk: what lies on its partitions, and on the logical volumes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.ext_superblock import read_ext_superblock
from byoi_tools.formats.multiple_devices import read_device_count
from byoi_tools.formats.signatures import read_signature
from byoi_tools.formats.source import ByteSource, Window
from byoi_tools.formats.xfs_superblock import read_xfs_superblock
from byoi_tools.inspection.guest.fat_files import FatFiles
from byoi_tools.inspection.guest.watched import WatchedFiles, trouble_of
from byoi_tools.model.disk import Disk, FileSystemSignature
from byoi_tools.model.guest.files import FileReader
from byoi_tools.model.guest.guest import Trouble, TroubleKind, Volume
from byoi_tools.model.guest.superblock import Superblock
from byoi_tools.model.partition import PartitionKind
from byoi_tools.model.quoting import quote
from byoi_tools.tools.native_files import FILE_SYSTEMS, GroupMember, LogicalVolume, NativeDisk

_LVM = "LVM2_member"


@dataclass
class FoundVolume:
    """A volume, how its files are read, and what came of it. `open` is None where nothing reads its file system."""

    source: str
    signature: FileSystemSignature
    content: ByteSource
    open: Callable[[], FileReader] | None
    is_root_by_type: bool = False
    trouble: Trouble | None = None
    missing_devices: int = 0
    mount_point: str = ""
    _files: WatchedFiles | None = field(default=None, repr=False)

    @property
    def files(self) -> WatchedFiles | None:
        """The reader of its files, opened by the first who asks; None where they cannot be read."""
        if self._files is None and self.open is not None and self.trouble is None:
            try:
                self._files = WatchedFiles(self.open())
            except (ImageError, ToolError) as error:
                self.trouble = trouble_of(error)
        return self._files

    @property
    def volume(self) -> Volume:
        """The facts of it, as they are by now."""
        return Volume(
            source=self.source,
            file_system=self.signature.name,
            uuid=self.signature.uuid,
            label=self.signature.label,
            mount_point=self.mount_point,
            reader="native" if self._files is not None else "",
            superblock=self._superblock(),
            trouble=self.trouble or (self._files.trouble if self._files is not None else None),
            size_bytes=self.content.size_bytes,
            missing_devices=self.missing_devices,
        )

    def _superblock(self) -> Superblock | None:
        try:
            if self.signature.name.startswith("ext"):
                return read_ext_superblock(self.content)
            return read_xfs_superblock(self.content) if self.signature.name == "xfs" else None
        except (ImageError, ToolError):
            return None


def find_volumes(source: ByteSource, disk: Disk, native: NativeDisk) -> tuple[FoundVolume, ...]:
    """Return the volumes of the disk, in the order of its partitions; what is in LVM comes last, not its members.

    A group of LVM that cannot be put together is a volume with that trouble.
    """
    found = (*_on_partitions(source, disk, native), *_in_groups(disk, native, source))
    _count_devices(found)
    return found


def _count_devices(found: tuple[FoundVolume, ...]) -> None:
    """Note which arrays and file systems on several devices are not complete; groups of LVM have noted it already."""
    for volume in found:
        wanted = read_device_count(volume.content, volume.signature.name)
        if wanted > 1:
            siblings = [other for other in found if other.signature == volume.signature]
            volume.missing_devices = max(0, wanted - len(siblings))


def _on_partitions(source: ByteSource, disk: Disk, native: NativeDisk) -> Iterator[FoundVolume]:
    for found in disk.partitions:
        if found.file_system is not None and found.file_system.name != _LVM:
            sectors = found.partition.sectors
            part = Window(source, sectors.start_bytes, sectors.size_bytes)
            volume = _found(str(found.partition), found.file_system, part, sectors.start_bytes, native)
            volume.is_root_by_type = found.partition.kind is PartitionKind.LINUX_ROOT
            yield volume


def _found(
    name: str, signature: FileSystemSignature, content: ByteSource, start_bytes: int, native: NativeDisk
) -> FoundVolume:
    opener: Callable[[], FileReader] | None = None
    if signature.name in FILE_SYSTEMS:
        opener = lambda: native.open_part(signature.name, start_bytes, content.size_bytes)  # noqa: E731
    elif signature.name == "vfat":
        opener = lambda: FatFiles(content)  # noqa: E731
    return FoundVolume(name, signature, content, opener, trouble=_unsupported(signature) if opener is None else None)


def _in_groups(disk: Disk, native: NativeDisk, source: ByteSource) -> Iterator[FoundVolume]:
    members = {
        str(found.partition): GroupMember(
            found.partition.sectors.start_bytes, found.partition.sectors.size_bytes, found.file_system.uuid
        )
        for found in disk.partitions
        if found.file_system is not None and found.file_system.name == _LVM
    }
    if not members:
        return
    name = next(iter(members))
    nothing = FileSystemSignature(_LVM, "", "")
    try:
        volumes = native.logical_volumes(tuple(members.values()))
        for volume in volumes:
            yield _logical(name, volume, native)
    except (ImageError, ToolError) as error:
        yield FoundVolume(name, nothing, source, None, trouble=trouble_of(error))


def _logical(partition: str, volume: LogicalVolume, native: NativeDisk) -> FoundVolume:
    source = f"{partition}, volume {volume.group}/{volume.name}"
    if volume.problem:
        trouble = Trouble(
            TroubleKind.DAMAGED,
            f"the volume group {quote(volume.group)} is not complete: {volume.problem}",
            "Build the image with a volume group that lies on its own disk alone (vgreduce), or without LVM.",
        )
        return FoundVolume(
            partition, FileSystemSignature(_LVM, "", ""), volume, None, trouble=trouble, missing_devices=volume.number
        )
    signature = read_signature(volume) or FileSystemSignature("", "", "")
    if signature.name in FILE_SYSTEMS:
        return FoundVolume(source, signature, volume, lambda: native.open_logical_volume(signature.name, volume))
    return FoundVolume(source, signature, volume, None, trouble=_unsupported(signature))


def _unsupported(signature: FileSystemSignature) -> Trouble | None:
    """Why nothing reads it; None for what has no files (swap)."""
    if signature.name in ("", "swap"):
        return None
    if signature.name == "crypto_LUKS":
        return Trouble(TroubleKind.UNSUPPORTED, "it is encrypted (LUKS)", "Check the image before it is encrypted.")
    return Trouble(
        TroubleKind.UNSUPPORTED,
        f"{signature.name} is not read",
        "Look into it yourself (guestfish --ro), or build the image on ext4 or XFS.",
    )
