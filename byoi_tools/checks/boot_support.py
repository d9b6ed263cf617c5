"""Which firmware an image is made for: what several families ask before they blame a missing piece."""

from __future__ import annotations

from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.loader import loader_candidates
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import NotKnownError


def require_table(subject: Subject) -> None:
    """Raise `NotKnownError` for a disk without a partition table: `ptable.present` tells that."""
    if subject.disk.scheme is TableScheme.NONE:
        raise NotKnownError("the disk has no partition table")


def is_bootable(subject: Subject, mode: BootMode) -> bool:
    """Whether the image has what firmware of that mode starts; it may still fail later.

    Raises `NotKnownError` where the ESP or the boot code could not be read.
    """
    if mode is BootMode.UEFI:
        return bool(subject.esps) and bool(loader_candidates(subject.esp_content))
    core = subject.bios.grub_core
    return subject.bios.kind is not BootCodeKind.NONE and (core is None or not core.problem)


def is_made_for_uefi_only(subject: Subject) -> bool:
    """Whether nothing shows an intention to boot by legacy BIOS, while UEFI firmware has something to start.

    An ESP that cannot be read counts as nothing to start.
    """
    has_legacy_part = (
        subject.bios.kind is not BootCodeKind.NONE or subject.disk.partitions_of_kind(PartitionKind.BIOS_BOOT) != ()
    )
    try:
        return not has_legacy_part and is_bootable(subject, BootMode.UEFI)
    except NotKnownError:
        return False
