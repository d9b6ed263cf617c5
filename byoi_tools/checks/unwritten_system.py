"""Tells an image into which no system was ever written from one whose system nobody here can read."""

from __future__ import annotations

from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.disk import Disk, DiskPartition
from byoi_tools.model.disks.esp import EspContent, LoaderKind
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Observation
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.quoting import quote

_SMALLEST_KERNEL_BYTES = 1 << 20
_LARGEST_LOADER_BYTES = 8 << 20  # a larger GRUB may have a kernel inside (grub-mkstandalone)
_LOADERS = {
    LoaderKind.SHIM,
    LoaderKind.GRUB,
    LoaderKind.SYSTEMD_BOOT,
    LoaderKind.SHIM_FALLBACK,
    LoaderKind.MOK_MANAGER,
}
_BOOT_CODES = {BootCodeKind.GRUB, BootCodeKind.SYSLINUX_MBR, BootCodeKind.SYSLINUX_GPTMBR}
_NEVER_A_SYSTEM = (PartitionKind.ESP, PartitionKind.BIOS_BOOT, PartitionKind.EXTENDED, PartitionKind.LINUX_SWAP)
_REMEDY = "Build the image again: the step that copies the root file system into it did not do so."


def unwritten_system(subject: Subject) -> Observation | None:
    """What shows that the image has nothing to start; None where it has, or where somebody else might read it.

    Raises `NotKnownError` where the disk or an ESP was not read.
    """
    if isinstance(subject.facts.guest, Known):
        return None
    esps = subject.esps
    if any(map(_may_hold_a_kernel, [esp.content.known() for esp in esps])):
        return None
    places = {str(esp.partition) for esp in esps}
    volumes = [volume for volume in subject.volumes if volume.source not in places and volume.file_system != "swap"]
    if volumes:
        return _empty(volumes) if all(volume.is_empty for volume in volumes) else None
    if _holds_something_else(subject.disk, places) or not _starts_linux(subject):
        return None
    return _missing([found.partition for found in subject.disk.partitions])


def _may_hold_a_kernel(content: EspContent) -> bool:
    """Whether a file is large enough for a kernel, and is not known as a loader that starts another file."""
    loaders = {program.path for program in content.programs if program.kind in _LOADERS}
    return any(
        entry.size_bytes >= (_LARGEST_LOADER_BYTES if entry.path in loaders else _SMALLEST_KERNEL_BYTES)
        for entry in content.entries
    )


def _holds_something_else(disk: Disk, esps: set[str]) -> bool:
    """Whether the disk, or a partition of it, holds what is no volume here: a member of LVM, what nobody here knows."""
    others = [found for found in disk.partitions if str(found.partition) not in esps]
    return disk.whole_disk is not None or any(map(_is_something_else, others))


def _is_something_else(found: DiskPartition) -> bool:
    if found.file_system is not None:
        return found.file_system.name != "swap"
    return not found.is_blank and found.partition.kind not in _NEVER_A_SYSTEM


def _starts_linux(subject: Subject) -> bool:
    """Whether the boot begins with a loader that reads its kernel from a file system that is known here."""
    if subject.intent.boot is BootMode.LEGACY:
        return subject.bios.kind in _BOOT_CODES
    path = subject.loader_path
    program = subject.esp_content.program(path) if path else None
    return program is not None and program.kind in _LOADERS


def _empty(volumes: list[Volume]) -> Observation:
    return _observation(
        "there is no system in the image: its file systems are empty",
        f"no files in {', '.join(quote(volume.source) for volume in volumes[:4])}",
        "every file system of the image",
    )


def _missing(partitions: list[Partition]) -> Observation:
    bare = [each for each in partitions if each.kind not in _NEVER_A_SYSTEM]
    named = ", ".join(f"{each} {quote(each.name)}" if each.name else str(each) for each in bare[:4])
    return _observation(
        "there is no system in the image: it has no file system for one",
        f"only zeros at the start of {named}" if bare else "no partition for a root file system",
        "every partition of the image",
    )


def _observation(message: str, observed: str, evidence: str) -> Observation:
    return Observation(message, observed, "a root file system with a kernel", evidence, remedy=_REMEDY)
