"""Finds the volumes of a disk: what lies on its partitions, and on the logical volumes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from byoi_tools.errors import ImageError, ToolError
from byoi_tools.formats.disks.lvm import VolumeGroup, read_volume_groups
from byoi_tools.formats.filesystems.ext_superblock import read_ext_superblock
from byoi_tools.formats.filesystems.multiple_devices import read_device_count
from byoi_tools.formats.filesystems.signatures import read_signature
from byoi_tools.formats.filesystems.xfs_superblock import read_xfs_superblock
from byoi_tools.formats.source import ByteSource, Memory, Window
from byoi_tools.inspection.guest.volumes.readers import Opener, Readers
from byoi_tools.inspection.guest.volumes.watched import WatchedFiles, trouble_of
from byoi_tools.model.disks.disk import Disk, DiskPartition, FileSystemSignature
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.guest.files import FileReader
from byoi_tools.model.guest.guest import Trouble, TroubleKind, Volume
from byoi_tools.model.guest.superblock import Superblock
from byoi_tools.model.quoting import quote

FindOpener = Callable[[str, ByteSource, int | str], Opener | Trouble | None]

LVM = "LVM2_member"
_ONE_DISK = "Build the image with a volume group on its own disk alone (vgreduce), or without LVM."


@dataclass
class FoundVolume:
    """A volume, how its files are read, and what came of it. `opener` is None where nothing reads its file system.

    `device` is the number of its partition, or what the appliance of guestfs calls it.
    """

    source: str
    signature: FileSystemSignature
    content: ByteSource
    opener: Opener | None
    trouble: Trouble | None = None
    device: int | str = ""
    is_root_by_type: bool = False
    missing_devices: int = 0
    mount_point: str = ""
    is_empty: bool = False
    _subvolumes: tuple[str, ...] | None = field(default=None, repr=False)
    _files: WatchedFiles | None = field(default=None, repr=False)
    _more_files: list[WatchedFiles] = field(default_factory=list, repr=False)

    @property
    def files(self) -> WatchedFiles | None:
        """The reader of its files, opened by the first who asks; None where they cannot be read."""
        if self._files is None and self.opener is not None and self.trouble is None:
            self._files = self._watched(self.opener.open)
        return self._files

    @property
    def subvolumes(self) -> tuple[str, ...]:
        """The paths of its subvolumes; none for file systems that have none."""
        if self.files is None or self.opener is None or self.opener.subvolumes is None:
            return ()
        try:
            if self._subvolumes is None:
                self._subvolumes = self.opener.subvolumes()
            return self._subvolumes
        except (ImageError, ToolError) as error:
            self.trouble = trouble_of(error)
            return ()

    def files_of(self, subvolume: str) -> WatchedFiles | None:
        """The reader of one of its subvolumes; None where that cannot be read."""
        if self.opener is None or self.opener.open_subvolume is None or self.trouble is not None:
            return None
        files = self._watched(partial(self.opener.open_subvolume, subvolume))
        self._more_files += [files] if files is not None else []
        return files

    def root_at(self, files: WatchedFiles) -> None:
        """Let a subvolume be what is meant by its files: it holds the root."""
        self._files = files

    @property
    def volume(self) -> Volume:
        """The facts of it, as they are by now."""
        readers = [files for files in (self._files, *self._more_files) if files is not None]
        return Volume(
            source=self.source,
            file_system=self.signature.name,
            uuid=self.signature.uuid,
            label=self.signature.label,
            mount_point=self.mount_point,
            reader=self.opener.name if readers and self.opener is not None else "",
            superblock=self._superblock(),
            trouble=self.trouble or next((files.trouble for files in readers if files.trouble is not None), None),
            size_bytes=self.content.size_bytes,
            missing_devices=self.missing_devices,
            subvolumes=self._subvolumes if self.mount_point else None,
            is_empty=self.is_empty,
        )

    def look_whether_empty(self) -> None:
        """Find out whether it holds anything; one that cannot be read is not empty."""
        try:
            self.is_empty = self.files is not None and {each.name for each in self.files.entries("/")} <= {"lost+found"}
        except (ImageError, ToolError):
            self.is_empty = False  # the watched reader keeps what went wrong

    def _watched(self, open_files: Callable[[], FileReader]) -> WatchedFiles | None:
        try:
            return WatchedFiles(open_files())
        except (ImageError, ToolError) as error:
            self.trouble = trouble_of(error)
            return None

    def _superblock(self) -> Superblock | None:
        try:
            if self.signature.name.startswith("ext"):
                return read_ext_superblock(self.content)
            return read_xfs_superblock(self.content) if self.signature.name == "xfs" else None
        except (ImageError, ToolError):
            return None


def find_volumes(source: ByteSource, disk: Disk, readers: Readers) -> tuple[FoundVolume, ...]:
    """Return the volumes of the disk, in the order of its partitions; what is in LVM comes last, not its members.

    A group of LVM that cannot be put together is a volume with that trouble.
    """
    members: dict[str, tuple[str, ByteSource]] = {}
    for part in disk.partitions:
        if part.file_system is not None and part.file_system.name == LVM:
            members[part.file_system.uuid] = (str(part.partition), _window(source, part))
    found = (*_on_partitions(source, disk, readers), *volumes_in_groups(members, readers.opener))
    _count_devices(found)
    return found


def _count_devices(found: tuple[FoundVolume, ...]) -> None:
    """Note which arrays and file systems on several devices are not complete; groups of LVM have noted it already."""
    for volume in found:
        wanted = read_device_count(volume.content, volume.signature.name)
        if wanted > 1:
            siblings = [other for other in found if other.signature == volume.signature]
            volume.missing_devices = max(0, wanted - len(siblings))


def _on_partitions(source: ByteSource, disk: Disk, readers: Readers) -> Iterator[FoundVolume]:
    for found in disk.partitions:
        if found.file_system is not None and found.file_system.name != LVM:
            part = _window(source, found)
            volume = found_volume(str(found.partition), found.file_system, part, readers.opener, found.partition.number)
            volume.is_root_by_type = found.partition.kind is PartitionKind.LINUX_ROOT
            yield volume


def _window(source: ByteSource, found: DiskPartition) -> Window:
    sectors = found.partition.sectors
    return Window(source, sectors.start_bytes, sectors.size_bytes)


def found_volume(
    name: str, signature: FileSystemSignature, content: ByteSource, find_opener: FindOpener, device: int | str
) -> FoundVolume:
    """The volume; `device` is the number of its partition, or what the appliance of guestfs calls it."""
    opener = find_opener(signature.name, content, device)
    if isinstance(opener, Trouble):
        return FoundVolume(name, signature, content, None, opener, device)
    return FoundVolume(name, signature, content, opener, None, device)


def volumes_in_groups(members: Mapping[str, tuple[str, ByteSource]], find_opener: FindOpener) -> Iterator[FoundVolume]:
    """Yield what lies on the logical volumes of these members: by UUID, where each is and its content."""
    partitions = {uuid: place for uuid, (place, _) in members.items()}
    contents = {uuid: content for uuid, (_, content) in members.items()}
    try:
        for group in read_volume_groups(contents):
            yield from _in_group(group, partitions, contents, find_opener)
    except ImageError as error:
        uuid, partition = next(iter(partitions.items()))
        yield FoundVolume(partition, _signature(uuid), contents[uuid], None, trouble=trouble_of(error))


def _in_group(
    group: VolumeGroup, partitions: dict[str, str], members: dict[str, ByteSource], find_opener: FindOpener
) -> Iterator[FoundVolume]:
    first = next((uuid for uuid in group.devices if uuid in members), next(iter(members)))
    if group.missing:
        reason = f"{len(group.missing)} of the {len(group.devices)} devices of the volume group {quote(group.name)} are"
        trouble = Trouble(TroubleKind.UNSUPPORTED, f"{reason} not in the image", _ONE_DISK)
        yield FoundVolume(
            partitions[first], _signature(first), members[first], None, trouble, missing_devices=len(group.missing)
        )
    for name, reason in group.unreadable.items():
        trouble = Trouble(TroubleKind.UNSUPPORTED, reason, "Use linear volumes, which is what lvcreate makes.")
        source = f"{partitions[first]}, volume {group.name}/{name}"
        yield FoundVolume(source, FileSystemSignature("", "", ""), Memory(b""), None, trouble=trouble)
    for volume in group.volumes:
        signature = read_signature(volume) or FileSystemSignature("", "", "")
        yield found_volume(
            f"{partitions[first]}, volume {group.name}/{volume.name}",
            signature,
            volume,
            find_opener,
            f"/dev/{group.name}/{volume.name}",
        )


def _signature(uuid: str) -> FileSystemSignature:
    return FileSystemSignature(LVM, uuid, "")
